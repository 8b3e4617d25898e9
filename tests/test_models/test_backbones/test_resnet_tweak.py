"""ResNet-A to D: Table 2.5's sizes, the same outputs as known networks, options, errors."""

import pytest
import torch
import torchvision
from mmdet.models.backbones import ResNetV1d as DetResNetV1d
from mmengine.registry import DefaultScope
from mmpretrain.models.backbones import ResNet, ResNetV1c, ResNetV1d
from mmpretrain.models.backbones.resnet import BasicBlock, Bottleneck
from mmseg.models.backbones import ResNetV1c as SegResNetV1c
from mmseg.models.backbones import ResNetV1d as SegResNetV1d
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmvisx.models.backbones import ResNetTweak
from mmvisx.registry import MODELS
from mmvisx.utils import UserError

NANO = dict(base_channels=8, stem_channels=8)
ALL = (0, 1, 2, 3)


def lively(model):
    """Give every weight and statistic a value of its own."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.7, 1.4)
                module.weight.uniform_(0.2, 0.6)
                module.bias.normal_(0, 0.1)
    model.eval()
    return model


def same_outputs(ours, theirs, images):
    """Load their weights into ours, compare the outputs."""
    fit = ours.load_state_dict(lively(theirs).state_dict(), strict=False)
    assert not fit.missing_keys
    assert all(key.startswith('fc.') for key in fit.unexpected_keys)
    ours.eval()
    with torch.no_grad():
        outs, expected = ours(images), theirs(images)
    assert len(outs) == len(expected)
    for out, other in zip(outs, expected, strict=True):
        torch.testing.assert_close(out, other)


@pytest.mark.parametrize(
    ('variant', 'parameters', 'macs'),
    [
        ('a', 25_557_032, 3.858e9),
        ('b', 25_557_032, 4.089e9),
        ('c', 25_576_264, 4.329e9),
        ('d', 25_576_264, 4.329e9),
    ],
)
def test_table_2_5(variant, parameters, macs):
    with DefaultScope.overwrite_default_scope('mmpretrain'), torch.device('meta'):
        model = MODELS.build(
            dict(
                type='ImageClassifier',
                backbone=dict(type='mmvisx.ResNetTweak', depth=50, variant=variant),
                neck=dict(type='GlobalAveragePooling'),
                head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048),
            )
        )
        image = torch.zeros(1, 3, 224, 224)
    assert sum(p.numel() for p in model.parameters()) == parameters
    with FlopCounterMode(display=False) as counter:
        model(image)
    assert counter.get_total_flops() / 2 == pytest.approx(macs, rel=1e-3)


@pytest.mark.parametrize(
    ('depth', 'parameters'),
    [(18, 11_689_512), (34, 21_797_672), (101, 44_549_160), (152, 60_192_808)],
)
def test_other_depths_have_torchvisions_sizes(depth, parameters):
    with torch.device('meta'):
        sizes = {v: sum(p.numel() for p in ResNetTweak(depth, v).parameters()) for v in 'bd'}
    head = 1000 * ((2048 if depth > 34 else 512) + 1)
    assert sizes['b'] == parameters - head
    # 3*32, 32*32 and 32*64 kernels of nine taps and norms of 32, 32 and 64 for a 7x7 and its norm.
    stem = 9 * (3 * 32 + 32 * 32 + 32 * 64) + 2 * 128 - (147 * 64 + 2 * 64)
    assert sizes['d'] == sizes['b'] + stem


@pytest.mark.parametrize('depth', [18, 50])
def test_b_is_torchvisions_resnet(depth):
    theirs = getattr(torchvision.models, f'resnet{depth}')(weights=None)
    parts = nn.Sequential(theirs.conv1, theirs.bn1, theirs.relu, theirs.maxpool)

    class Stages(nn.Module):
        def forward(self, x):
            outs, x = [], parts(x)
            for layer in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4):
                x = layer(x)
                outs.append(x)
            return tuple(outs)

        def state_dict(self):
            return theirs.state_dict()

    lively(theirs)
    same_outputs(ResNetTweak(depth, 'b', out_indices=ALL), Stages(), torch.randn(1, 3, 65, 96))


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize(
    ('variant', 'reference'),
    [
        ('a', lambda **kw: ResNet(style='caffe', **kw)),
        ('b', ResNet),
        ('c', ResNetV1c),
        ('d', ResNetV1d),
    ],
)
def test_all_variants_are_mmpretrains(variant, reference, depth):
    ours = ResNetTweak(depth, variant, out_indices=ALL, **NANO)
    # Odd sizes show how the pooling of the shortcut treats the border.
    same_outputs(ours, reference(depth=depth, out_indices=ALL, **NANO), torch.randn(2, 3, 75, 97))


def strides(model):
    """Return the strides of path A's convolutions and of path B in the second stage."""
    block = model.layer2[0]
    path_a = [block.conv1.stride[0], block.conv2.stride[0], block.conv3.stride[0]]
    return path_a, [type(m).__name__ + str(m.stride) for m in block.downsample[:-1]]


def test_variants_differ_where_figure_2_2_says():
    nets = {v: ResNetTweak(50, v, **NANO) for v in 'abcd'}
    one_by_one = ['Conv2d(2, 2)']
    assert strides(nets['a']) == ([2, 1, 1], one_by_one)
    assert strides(nets['b']) == strides(nets['c']) == ([1, 2, 1], one_by_one)
    assert strides(nets['d']) == ([1, 2, 1], ['AvgPool2d2', 'Conv2d(1, 1)'])
    # Where a stage does not shrink there is nothing to pool.
    assert not any(isinstance(m, nn.AvgPool2d) for m in nets['d'].layer1.modules())
    for variant in 'ab':
        assert nets[variant].conv1.kernel_size == (7, 7)
    for variant in 'cd':
        stem = [m for m in nets[variant].stem.modules() if isinstance(m, nn.Conv2d)]
        assert [m.out_channels for m in stem] == [4, 4, 8]
        assert [m.stride for m in stem] == [(2, 2), (1, 1), (1, 1)]


def test_basic_blocks_of_a_are_those_of_b():
    a, b = ResNetTweak(18, 'a', **NANO), ResNetTweak(18, 'b', **NANO)
    a.load_state_dict(lively(b).state_dict())
    x = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(a.eval()(x), b(x))


@pytest.mark.parametrize('depth', [18, 50])
@pytest.mark.parametrize('variant', 'abcd')
def test_zero_gamma_makes_every_block_the_identity(variant, depth):
    model = ResNetTweak(depth, variant, **NANO)
    model.init_weights()
    model.train()
    blocks = [m for m in model.modules() if isinstance(m, BasicBlock | Bottleneck)]
    assert len(blocks) == sum(model.stage_blocks)
    for block in blocks:
        x = torch.randn(2, block.in_channels, 8, 8).relu()
        shortcut = x if block.downsample is None else block.downsample(x).relu()
        torch.testing.assert_close(block(x), shortcut, rtol=0, atol=0)


def test_zero_gamma_can_be_left_out():
    model = ResNetTweak(50, 'd', zero_init_residual=False, **NANO)
    model.init_weights()
    assert all((m.norm3.weight == 1).all() for m in model.modules() if isinstance(m, Bottleneck))


def test_dilated_as_mmsegs():
    options = dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=ALL, **NANO)
    theirs = SegResNetV1c(depth=50, contract_dilation=True, norm_eval=False, **options)
    ours = ResNetTweak(50, 'c', contract_dilation=True, **options)
    images = torch.randn(1, 3, 64, 96)
    same_outputs(ours, theirs, images)
    assert [tuple(out.shape[2:]) for out in ours(images)] == [(16, 24)] + 3 * [(8, 12)]
    wide = ResNetTweak(50, 'c', **options)
    wide.load_state_dict(ours.state_dict())
    assert not torch.allclose(wide.eval()(images)[3], ours(images)[3])
    assert wide.layer4[0].conv2.dilation == (4, 4)
    assert ours.layer4[0].conv2.dilation == (2, 2)
    assert ours.layer4[1].conv2.dilation == (4, 4)


@pytest.mark.parametrize('depth', [18, 50])
def test_weights_move_between_plain_and_dilated_networks(depth):
    plain = lively(ResNetTweak(depth, 'd', **NANO))
    dilated = ResNetTweak(
        depth, 'd', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=ALL, **NANO
    )
    wrapped = nn.ModuleDict({'backbone': dilated})
    wrapped.load_state_dict({f'backbone.{k}': v for k, v in plain.state_dict().items()})
    again = ResNetTweak(depth, 'd', **NANO)
    again.load_state_dict(dilated.state_dict())
    for key, value in plain.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


@pytest.mark.parametrize('make', [DetResNetV1d, SegResNetV1d])
def test_weights_of_mmdet_and_mmseg(make):
    """Their path B counts a pooling of 1x1 in the first stage."""
    theirs = make(depth=50, norm_eval=False, **NANO)
    same_outputs(ResNetTweak(50, 'd', out_indices=ALL, **NANO), theirs, torch.randn(1, 3, 64, 96))


@pytest.mark.parametrize('depth', [18, 50])
def test_dilated_d_has_stride_8_everywhere(depth):
    model = ResNetTweak(
        depth,
        'd',
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        out_indices=ALL,
        contract_dilation=True,
        **NANO,
    )
    shapes = [tuple(out.shape[2:]) for out in model(torch.randn(2, 3, 64, 96))]
    assert shapes == [(16, 24)] + 3 * [(8, 12)]


@pytest.mark.parametrize('variant', 'bd')
def test_frozen_stages_and_norm_eval(variant):
    model = ResNetTweak(50, variant, frozen_stages=2, norm_eval=True, **NANO)
    assert model.train() is model
    stem = 'stem' if variant == 'd' else ('conv1', 'bn1')
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad != name.startswith((*stem, 'layer1', 'layer2')), name
    assert not any(m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    assert model.layer3.training


# mmpretrain leaves the kind of checkpointing to torch, which warns about it.
@pytest.mark.filterwarnings('ignore:torch.utils.checkpoint')
def test_recomputing_activations_gives_the_same_gradients():
    plain, saving = (ResNetTweak(50, 'd', with_cp=flag, **NANO) for flag in (False, True))
    saving.load_state_dict(plain.state_dict())
    image = torch.randn(2, 3, 64, 64, requires_grad=True)
    for model in (plain, saving):
        model.train()
        model(image)[0].square().sum().backward()
    for a, b in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize('variant', 'abcd')
def test_small_input_keeps_the_resolution_in_the_stem(variant):
    model = ResNetTweak(18, variant, small_input=True, out_indices=ALL, **NANO)
    outs = model(torch.randn(2, 3, 32, 32))
    assert [tuple(out.shape) for out in outs] == [
        (2, 8, 32, 32),
        (2, 16, 16, 16),
        (2, 32, 8, 8),
        (2, 64, 4, 4),
    ]


def test_builds_on_the_meta_device():
    with torch.device('meta'):
        model = ResNetTweak(50, 'd', **NANO)
    assert all(p.is_meta for p in model.parameters())
    assert all(b.is_meta for b in model.buffers())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(variant='e'), r"variant='e' is not one of \['a', 'b', 'c', 'd'\]"),
        (dict(depth=20), r'depth=20 is not one of \[18, 34, 50, 101, 152\]'),
        (dict(avg_down=True), "avg_down=True: variant='d' decides avg_down"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        ResNetTweak(**arguments)
