"""Rejuvenate a published network; its function on photographs is kept."""

import copy

import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS, TRANSFORMS

from mmvisx.surgery.neural_rejuvenation import (
    build_channel_graph,
    cost,
    rejuvenate,
    silence,
    utilization,
)
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from tests.helpers.neural_rejuvenation_nets import convolution_weights, relative

pytestmark = pytest.mark.realdata
IMAGES = 64


@pytest.fixture(scope='module')
def resnet20(realdata):
    """The published ResNet-20 for CIFAR-10, and images of the test set as it gets them."""
    init_default_scope('mmpretrain')
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            backbone=dict(type='mmvisx.CifarResNet', depth=20),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
            data_preprocessor=dict(
                mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
            ),
        )
    )
    path = realdata / 'checkpoints' / 'resnet20_cifar10.th'
    load_weights(model, read_checkpoint(path), path)
    steps = [dict(type='mmvisx.LoadImageFromFile'), dict(type='PackInputs')]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    files = sorted((realdata / 'cifar10_png').glob('test/*/*.png'))
    names = sorted({file.parent.name for file in files})
    chosen = files[:: len(files) // IMAGES][:IMAGES]
    packed = [pipeline(dict(img_path=str(file))) for file in chosen]
    batch = dict(
        inputs=[item['inputs'] for item in packed],
        data_samples=[item['data_samples'] for item in packed],
    )
    images = model.data_preprocessor(batch, False)['inputs']
    labels = torch.tensor([names.index(file.parent.name) for file in chosen])
    return model.eval(), images, labels


@pytest.mark.parametrize('variant', ['NR', 'NR-CR', 'NR-CA'])
@pytest.mark.parametrize('rescale', [False, True], ids=['', 'BR'])
def test_function_on_photographs_is_kept(resnet20, variant, rescale):
    trained, images, labels = resnet20
    model = copy.deepcopy(trained)

    def scores(net):
        with torch.no_grad():
            return net(images, None, mode='tensor')

    assert (scores(model).argmax(1) == labels).float().mean() > 0.8
    graph = build_channel_graph(model, images[:2])
    target = convolution_weights(model)
    assert cost(graph, 'params') == target
    # Shrink the smallest scales of each layer by hand: 45 %.
    for group in graph.groups:
        scale = model.get_submodule(group.norms[0]).weight.data
        scale[scale.abs().argsort()[: int(0.45 * scale.numel())]] *= 1e-3
    state = utilization(model, graph)
    assert 0.4 < state.ratio < 0.7
    reference = copy.deepcopy(model)
    silence(reference, graph, state.alive)
    result = rejuvenate(model, graph, target, variant=variant, rescale=rescale)
    assert relative(scores(model), scores(reference)) < 1e-5
    assert 0.98 * target <= convolution_weights(model) <= target
    assert result.survived == [int(mask.sum()) for mask in state.alive]
    if rescale:
        for group in result.graph.groups:
            scale = model.get_submodule(group.norms[0]).weight
            assert scale.abs().min() > 0.999 * group.initial_scale[0]
