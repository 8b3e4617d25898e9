"""ResNet for CIFAR: its published size, shortcuts by hand, published weights."""

import cv2
import pytest
import torch
from mmengine.registry import DefaultScope

from mmvisx.models.backbones import CifarResNet
from mmvisx.models.backbones.cifar_resnet import PaddedShortcut
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import load_weights, read_checkpoint

CLASSIFIER = dict(
    type='ImageClassifier',
    backbone=dict(type='mmvisx.CifarResNet', depth=20),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
    ),
)


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


@pytest.mark.parametrize(('depth', 'parameters'), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)])
def test_published_sizes(depth, parameters):
    # In millions, with the last layer, as in the paper that introduced these networks.
    count = sum(p.numel() for p in CifarResNet(depth).parameters()) + 650
    assert round(count / 1e6, 2) == parameters


def test_shortcut_by_hand():
    x = torch.arange(32.0).view(1, 2, 4, 4)
    y = PaddedShortcut(2, 2)(x)
    assert y.shape == (1, 4, 2, 2)
    assert not y[:, 0].any()
    assert not y[:, 3].any()
    assert y[0, 1].tolist() == [[0, 2], [8, 10]]
    assert y[0, 2].tolist() == [[16, 18], [24, 26]]


def test_a_block_without_its_branch_is_the_shortcut():
    model = CifarResNet(20).eval()
    block = model.layer2[0]
    torch.nn.init.zeros_(block.norm2.weight)
    x = torch.randn(1, 16, 8, 8)
    assert torch.allclose(block(x), PaddedShortcut(16, 2)(x).relu(), atol=1e-6)


def test_stages_and_training_mode():
    model = CifarResNet(20, out_indices=(0, 1, 2))
    assert model.train() is model
    shapes = [tuple(m.shape) for m in model(torch.randn(1, 3, 32, 32))]
    assert shapes == [(1, 16, 32, 32), (1, 32, 16, 16), (1, 64, 8, 8)]


def test_unknown_depth():
    with pytest.raises(UserError, match='depth=21 is not one of'):
        CifarResNet(21)


def published(state):
    """Rename a classifier's state dict as the published checkpoints have it."""
    return {
        'module.' + key.removeprefix('backbone.').replace('head.fc.', 'linear.'): value
        for key, value in state.items()
        if 'num_batches_tracked' not in key
    }


def test_published_names_load_in_every_way(tmp_path):
    source = MODELS.build(CLASSIFIER)
    state = published(source.state_dict())
    torch.save(dict(state_dict=state), tmp_path / 'published.th')
    path = str(tmp_path / 'published.th')
    plain, checked = MODELS.build(CLASSIFIER), MODELS.build(CLASSIFIER)
    plain.load_state_dict(state, strict=False)
    assert load_weights(checked, read_checkpoint(path), path).exact
    pretrained = MODELS.build(dict(CLASSIFIER, init_cfg=dict(type='Pretrained', checkpoint=path)))
    pretrained.init_weights()
    for model in (plain, checked, pretrained):
        for key, value in source.named_parameters():
            assert torch.equal(model.get_parameter(key), value), key


def test_own_names_still_load():
    source, target = MODELS.build(CLASSIFIER), MODELS.build(CLASSIFIER)
    target.load_state_dict(source.state_dict(), strict=True)
    assert torch.equal(target.head.fc.weight, source.head.fc.weight)


@pytest.mark.realdata
def test_the_real_checkpoint_classifies_the_real_images(realdata):
    model = MODELS.build(CLASSIFIER)
    path = realdata / 'checkpoints' / 'resnet20_cifar10.th'
    load_weights(model, read_checkpoint(path), path)
    model.eval()
    right = images = 0
    for label, folder in enumerate(sorted((realdata / 'cifar10_png' / 'test').iterdir())):
        pictures = [torch.from_numpy(cv2.imread(str(p))) for p in sorted(folder.glob('*.png'))]
        data = dict(inputs=torch.stack(pictures).permute(0, 3, 1, 2))
        with torch.no_grad():
            scores = model(model.data_preprocessor(data)['inputs'])
        right += (scores.argmax(1) == label).sum().item()
        images += len(pictures)
    assert (right, images) == (912, 1000)
