"""The shared head is the backbone's last stage, weights included."""

import pytest
import torch
from torch import nn

from mmvisx.models.backbones import ResNetTweak
from mmvisx.models.heads import ResNetTweakStage
from mmvisx.utils import UserError

NANO = dict(base_channels=8, stem_channels=8)


@pytest.fixture
def checkpoint(tmp_path):
    """A classifier's checkpoint, and its backbone."""
    backbone = ResNetTweak(50, 'd', out_indices=(2, 3), **NANO)
    with torch.no_grad():
        for module in backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.2, 1)
                module.running_mean.normal_(0, 0.1)
    state = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
    state |= {'head.fc.weight': torch.zeros(10, 256), 'head.fc.bias': torch.zeros(10)}
    torch.save({'state_dict': state, 'meta': {}}, tmp_path / 'classifier.pth')
    return str(tmp_path / 'classifier.pth'), backbone.eval()


def pretrained(path, prefix='backbone.'):
    """Return an init_cfg."""
    return dict(type='Pretrained', checkpoint=path, prefix=prefix)


@pytest.mark.parametrize('prefix', ['backbone.', 'backbone'])
def test_three_stages_and_the_head_are_the_whole_backbone(checkpoint, prefix):
    path, whole = checkpoint
    init_cfg = pretrained(path, prefix)
    options = dict(strides=(1, 2, 2), dilations=(1, 1, 1), num_stages=3, out_indices=(2,))
    front = ResNetTweak(50, 'd', init_cfg=init_cfg, **options, **NANO)
    head = ResNetTweakStage(50, 'd', init_cfg=init_cfg, **NANO)
    front.init_weights()
    head.init_weights()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        middle, last = whole(images)
        torch.testing.assert_close(front.eval()(images)[0], middle)
        torch.testing.assert_close(head.eval()(middle), last)


def test_a_dilated_stage_takes_the_same_weights(checkpoint):
    path, whole = checkpoint
    options = dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), **NANO)
    head = ResNetTweakStage(50, 'd', init_cfg=pretrained(path), **options)
    head.init_weights()
    assert torch.equal(head.layer4[0].downsample[0].weight, whole.layer4[0].downsample[1].weight)


def test_norm_eval(checkpoint):
    head = ResNetTweakStage(50, 'd', **NANO)
    assert head.train() is head
    assert not any(m.training for m in head.modules() if isinstance(m, nn.BatchNorm2d))
    head = ResNetTweakStage(50, 'd', norm_eval=False, **NANO).train()
    assert all(m.training for m in head.modules())


@pytest.mark.parametrize('make', [ResNetTweak, ResNetTweakStage])
def test_weights_that_do_not_fit(checkpoint, make, tmp_path):
    path, _ = checkpoint
    with pytest.raises(UserError, match=r"prefix='model\.': .*0\.0 %.*prefix='backbone\.'"):
        make(50, 'd', init_cfg=pretrained(path, 'model.'), **NANO).init_weights()
    with pytest.raises(UserError, match=f'{make.__name__}.* does not hold its weights'):
        make(50, 'd', init_cfg=pretrained(path), base_channels=16, stem_channels=8).init_weights()
    with pytest.raises(UserError, match=r'nothing\.pth does not exist'):
        make(50, 'd', init_cfg=pretrained(str(tmp_path / 'nothing.pth')), **NANO).init_weights()
