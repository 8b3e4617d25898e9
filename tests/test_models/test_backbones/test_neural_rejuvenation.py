"""The networks of Neural Rejuvenation: published sizes, layers one by one, options, errors."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.models.backbones import CifarBottleneckResNet, ConvVGG, PostActivationDenseNet
from mmvisx.utils import UserError

# Backbone, classes, parameters with the head, and what Tables 5-II and 5-IV and 5.4.2 print.
SIZES = {
    'vgg19_cifar10': (ConvVGG, dict(depth=19, pool_after=(4, 10)), 10, 20_035_018, 20.04),
    'vgg19_cifar100': (ConvVGG, dict(depth=19, pool_after=(4, 10)), 100, 20_081_188, 20.08),
    'vgg19_imagenet': (ConvVGG, dict(depth=19), 1000, 20_542_888, 20.54),
    'vgg19_stem_imagenet': (ConvVGG, dict(depth=19, stem='resnet'), 1000, 20_550_568, 20.55),
    'vgg16_imagenet': (
        ConvVGG,
        dict(depth=16, extra_channels=(4096, 4096)),
        1000,
        37_706_664,
        37.71,
    ),
    'resnet164_cifar10': (CifarBottleneckResNet, dict(depth=164), 10, 1_704_154, 1.70),
    'resnet164_cifar100': (CifarBottleneckResNet, dict(depth=164), 100, 1_727_284, 1.73),
    'densenet_cifar10': (PostActivationDenseNet, dict(arch='100_40'), 10, 8_269_050, 8.27),
    'densenet_cifar100': (PostActivationDenseNet, dict(arch='100_40'), 100, 8_371_740, 8.37),
    'densenet121_imagenet': (PostActivationDenseNet, dict(arch='121'), 1000, 7_915_688, 7.92),
}


@pytest.mark.parametrize('name', SIZES)
def test_sizes_of_the_tables(name):
    kind, arguments, classes, parameters, millions = SIZES[name]
    with torch.device('meta'):
        model = kind(**arguments)
    total = sum(p.numel() for p in model.parameters()) + classes * (model.feat_dim + 1)
    assert total == parameters
    assert round(total / 1e6, 2) == millions


def test_size_of_a_vgg_by_hand():
    """VGG-11 of 4 channels: 4, 8, 16, 16, 32, 32, 32, 32."""
    widths = [3, 4, 8, 16, 16, 32, 32, 32, 32]
    convolutions = sum(9 * a * b for a, b in itertools.pairwise(widths))
    model = ConvVGG(11, base_channels=4)
    assert sum(p.numel() for p in model.parameters()) == convolutions + 2 * sum(widths[1:])


def norm(x, scale=1.0):
    return F.relu(x * scale)


def bn(module):
    return 1 / (1 + module.eps) ** 0.5


def split(model):
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(convs) == len(norms)
    assert all(conv.bias is None for conv in convs)
    return convs, bn(norms[0])


@pytest.mark.parametrize(
    ('depth', 'pool_after', 'pools'),
    [(19, (4, 10), {4, 10}), (19, None, {2, 4, 8, 12, 16}), (16, None, {2, 4, 7, 10, 13})],
)
def test_vgg_layer_by_layer(depth, pool_after, pools):
    torch.manual_seed(0)
    model = ConvVGG(depth, base_channels=2, pool_after=pool_after)
    model.init_weights()
    model.eval()
    convs, scale = split(model)
    assert len(convs) == depth - 3
    y = x = torch.randn(1, 3, 32, 64)
    for number, conv in enumerate(convs, 1):
        y = norm(F.conv2d(y, conv.weight, padding=1), scale)
        if number in pools:
            y = F.max_pool2d(y, 2)
    with torch.no_grad():
        (out,) = model(x)
    torch.testing.assert_close(out, y.detach())
    assert out.shape == (1, 16, 32 // 2 ** len(pools), 64 // 2 ** len(pools))


def test_vgg_with_stem_and_extra_convolutions():
    model = ConvVGG(16, base_channels=2, stem='resnet', extra_channels=(24, 12)).eval()
    convs, scale = split(model)
    assert convs[0].weight.shape == (2, 3, 7, 7)
    assert [tuple(conv.weight.shape[:2]) for conv in convs[-2:]] == [(24, 16), (12, 24)]
    assert convs[-1].kernel_size == (1, 1)
    x = torch.randn(1, 3, 64, 128)
    y = norm(F.conv2d(x, convs[0].weight, stride=2, padding=3), scale)
    for number, conv in enumerate(convs[1:], 2):
        y = norm(F.conv2d(y, conv.weight, padding=conv.padding), scale)
        if number in {2, 4, 7, 10, 13}:
            y = F.max_pool2d(y, 2)
    with torch.no_grad():
        (out,) = model(x)
    torch.testing.assert_close(out, y.detach())
    assert out.shape == (1, 12, 1, 2)
    assert model.feat_dim == 12


def test_vgg_gives_the_maps_in_front_of_poolings():
    model = ConvVGG(11, base_channels=4, out_indices=(0, 2, -1))
    shapes = [tuple(m.shape[1:]) for m in model(torch.zeros(2, 3, 64, 96))]
    assert shapes == [(4, 64, 96), (16, 16, 24), (32, 2, 3)]
    assert model.train() is model


def test_densenet_layer_by_layer():
    torch.manual_seed(0)
    model = PostActivationDenseNet((2, 3), growth=4)
    model.init_weights()
    model.eval()
    convs, scale = split(model)
    convs = iter(convs)

    def layer(x, padding=0):
        return norm(F.conv2d(x, next(convs).weight, padding=padding), scale)

    x = torch.randn(1, 3, 8, 12)
    y = layer(x, 1)
    # Modules are listed block by block, the transition after both blocks.
    for _ in range(2):
        y = torch.cat([y, layer(layer(y), 1)], 1)
    blocks = [next(convs) for _ in range(6)]
    y = F.avg_pool2d(layer(y), 2)
    assert y.shape == (1, 8, 4, 6)
    convs = iter(blocks)
    for _ in range(3):
        y = torch.cat([y, layer(layer(y), 1)], 1)
    with torch.no_grad():
        (out,) = model(x)
    torch.testing.assert_close(out, y.detach())
    assert model.feat_dim == out.shape[1] == 20


def test_densenet_of_imagenet_quarters_first():
    model = PostActivationDenseNet((1, 1, 1, 1), growth=4, stem='imagenet', out_indices=range(4))
    shapes = [tuple(m.shape[1:]) for m in model(torch.zeros(1, 3, 64, 96))]
    assert shapes == [(12, 16, 24), (10, 8, 12), (9, 4, 6), (8, 2, 3)]
    assert model.train() is model


def test_resnet_has_a_projection_where_a_stage_begins():
    model = CifarBottleneckResNet(20)
    projections = [n for n, _ in model.named_modules() if n.endswith('downsample')]
    assert projections == [f'layer{stage}.0.downsample' for stage in (1, 2, 3)]
    (out,) = model(torch.zeros(2, 3, 32, 32))
    assert out.shape == (2, 256, 8, 8)
    with torch.device('meta'):
        convs = [m for m in CifarBottleneckResNet(164).modules() if isinstance(m, nn.Conv2d)]
    # The head is the 164th layer; shortcuts do not count.
    assert len(convs) - 3 == 163


@pytest.mark.parametrize(
    ('kind', 'arguments', 'message'),
    [
        (ConvVGG, dict(depth=12), r'depth=12 of ConvVGG is not one of \[11, 13, 16, 19\]'),
        (ConvVGG, dict(stem='alexnet'), "stem='alexnet' of ConvVGG is not one of"),
        (ConvVGG, dict(pool_after=(4, 17)), 'VGG-19 has the convolutions 1 to 16'),
        (ConvVGG, dict(out_indices=(5,)), r'has 5 outputs, 0 to 4 \(or -5 to -1\)'),
        (PostActivationDenseNet, dict(arch='169'), "arch='169' of PostActivationDenseNet"),
        (PostActivationDenseNet, dict(arch=(2, 0)), 'whole and >= 1'),
        (PostActivationDenseNet, dict(stem='vgg'), "stem='vgg' of PostActivationDenseNet"),
        (PostActivationDenseNet, dict(out_indices=(4,)), 'has 4 outputs, 0 to 3'),
        (CifarBottleneckResNet, dict(depth=44), 'depth=44 is not one of'),
    ],
)
def test_wrong_arguments(kind, arguments, message):
    with pytest.raises(UserError, match=message), torch.device('meta'):
        kind(**arguments)
