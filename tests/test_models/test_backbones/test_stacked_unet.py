"""Stacked U-Nets: parameters, depth and shapes of Table 4.1; any size; errors."""

from functools import cache

import pytest
import torch
from mmpretrain.models import LinearClsHead
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.models.backbones import StackedUNet
from mmvisx.models.heads import DeGriddingHead
from mmvisx.utils import UserError

SMALL = dict(filters=4, modules=(1, 2, 1, 1), channels=(8, 10, 12, 14), stem_channels=3)
# With an ImageNet classifier; 002, 4.1 has 6.9M, 24.6M and 37.7M, the published code 39.1M.
COUNTS = {
    'sunet64': 6_910_248,
    'sunet128': 24_704_360,
    'sunet7128': 39_113_832,
    'sunet7128_paper': 37_731_944,
}


@cache
def network(arch='sunet64', **arguments):
    """Build the network without memory for its weights."""
    with torch.device('meta'):
        return StackedUNet(arch, **arguments).eval()


def count(model):
    return sum(p.numel() for p in model.parameters())


def small(**arguments):
    return StackedUNet(**{'arch': SMALL, **arguments})


@pytest.mark.parametrize(('arch', 'expected'), COUNTS.items())
def test_parameters_with_a_classifier(arch, expected):
    backbone = network(arch)
    head = LinearClsHead(num_classes=1000, in_channels=backbone.out_channels[-1])
    assert count(backbone) + count(head) == expected


def test_parameters_of_the_segmentor():
    assert count(network()) == 5_885_248
    with torch.device('meta'):
        head = DeGriddingHead(in_channels=1024, num_classes=21)
    assert count(network()) + count(head) == 12_976_981


def test_four_modules_in_the_last_block_do_not_give_the_tables_number():
    arch = dict(filters=64, modules=(2, 4, 4, 4), channels=(256, 512, 768, 1024))
    with torch.device('meta'):
        assert count(StackedUNet(arch)) == 6_732_928


def test_depth_of_the_segmentor():
    """112 convolutions one behind the other, counted as they are called; five shortcuts."""
    backbone = network(output_stride=16)
    with torch.device('meta'):
        head = DeGriddingHead(in_channels=1024, num_classes=21).eval()
    called = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: called.append(name))
        for part in (backbone, head)
        for name, module in part.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    scores = head(backbone(torch.empty(1, 3, 512, 512, device='meta')))
    for handle in handles:
        handle.remove()
    assert scores.shape == (1, 21, 32, 32)
    assert len(called) == len(handles)
    shortcuts = [name for name in called if name.endswith('shortcut')]
    assert len(called) - len(shortcuts) == 112
    assert len(shortcuts) == 5


@pytest.mark.parametrize(
    ('stride', 'sizes'), [(32, (128, 64, 32, 16)), (16, (128, 64, 32, 32)), (8, (128, 64, 64, 64))]
)
def test_shapes_at_512_pixels(stride, sizes):
    model = network(output_stride=stride, out_indices=(0, 1, 2, 3))
    x = torch.empty(1, 3, 512, 512, device='meta')
    assert model.stem[0](x).shape == (1, 64, 256, 256)
    assert model.stem(x).shape == (1, 128, 128, 128)
    assert [tuple(out.shape) for out in model(x)] == [
        (1, c, s, s) for c, s in zip((256, 512, 768, 1024), sizes, strict=True)
    ]
    found = [
        [m.dilation[0] for m in stage[0].modules() if getattr(m, 'kernel_size', 0) == (3, 3)]
        for stage in model.stages
    ]
    plain = [[1] * 8, [1] * 8, [1] * 8, [1] * 4]
    four, two = [2, 4, 4, 2], [2, 4, 4, 8, 8, 4, 4, 2]
    dilations = {16: [*plain[:3], four], 8: [*plain[:2], two, [2 * d for d in four]]}
    assert found == dilations.get(stride, plain)
    assert count(model) == 5_885_248 + 2 * (256 + 512 + 768)


def check_sizes(sizes, strides=(8, 16, 32)):
    for stride in strides:
        model = network(output_stride=stride, out_indices=(0, 1, 2, 3))
        for height, width in sizes:
            outs = model(torch.empty(1, 3, height, width, device='meta'))
            for out, s in zip(outs, (4, 8, 16, 32), strict=True):
                s = min(s, stride)
                assert out.shape[2:] == (-(-height // s), -(-width // s)), (stride, height, width)


def test_some_sizes():
    check_sizes([(65, 66), (96, 127), (129, 191), (224, 321), (513, 512)])


@pytest.mark.slow
def test_every_size_from_65_to_513():
    # As height or as width; with stride 16 in tests/test_configs/test_stacked_unet.py.
    check_sizes([(size, 65 + 513 - size) for size in range(65, 290)], strides=(8, 32))


def test_real_numbers_come_out_of_odd_sizes():
    model = small(output_stride=16, out_indices=(0, 3)).eval()
    with torch.no_grad():
        for size in (33, 37, 64):
            assert all(out.isfinite().all() for out in model(torch.randn(1, 3, size, size + 2)))


def test_odd_maps_are_averaged_over_what_is_there():
    pool = small().pools[1]
    x = torch.arange(9.0).view(1, 1, 3, 3)
    assert torch.equal(pool(x), torch.tensor([[[[2.0, 3.5], [6.5, 8.0]]]]))


def test_outputs_come_in_the_order_of_out_indices_and_the_rest_is_not_built():
    full = small(out_indices=(0, 1, 2, 3)).eval()
    swapped = small(out_indices=[-1, 0]).eval()
    first = small(out_indices=0).eval()
    swapped.load_state_dict(full.state_dict(), strict=False)
    assert not first.load_state_dict(full.state_dict(), strict=False).missing_keys
    assert len(first.stages) == 1
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        maps = full(x)
        assert [m.shape[1:] for m in maps] == [(8, 16, 24), (10, 8, 12), (12, 4, 6), (14, 2, 3)]
        assert all(torch.equal(*pair) for pair in zip(swapped(x), maps[::-3], strict=True))
        assert torch.equal(first(x)[0], maps[0])
        assert all((m >= 0).all() and m.any() for m in maps)


def test_strides_share_their_weights():
    """A network trained with stride 32 goes on with 16."""
    fine = small(output_stride=16)
    assert fine.load_state_dict(small().state_dict())
    assert isinstance(fine.pools[3], nn.Identity)


def test_weights_are_drawn_as_by_he():
    torch.manual_seed(0)
    model = StackedUNet(dict(filters=48, modules=(1, 1, 1, 1), channels=(256, 64, 64, 64)))
    model.init_weights()
    module = model.stages[0][0]
    grow = module.up[1][0].conv  # 96 to 48 channels, transposed
    assert grow.weight.std().item() == pytest.approx((2 / (48 * 9)) ** 0.5, rel=0.03)
    refine = module.up[1][1].conv
    assert refine.weight.std().item() == pytest.approx((2 / (48 * 9)) ** 0.5, rel=0.03)
    assert module.expand.conv.weight.std().item() == pytest.approx((2 / 256) ** 0.5, rel=0.03)
    assert not any(m.bias.any() for m in model.modules() if isinstance(m, nn.Conv2d))
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    assert all((m.weight == 1).all() for m in norms)
    assert {m.momentum for m in norms} == {0.01}


@pytest.mark.parametrize('frozen', [-1, 0, 2, 4])
def test_frozen_stages(frozen):
    model = small(frozen_stages=frozen, out_indices=(1, 3)).train()
    parts = [[model.stem]] + [[stage] for stage in model.stages]
    parts[2].append(model.norm1)
    parts[4].append(model.norm3)
    for index, group in enumerate(parts):
        learns = index > frozen
        for part in group:
            assert all(p.requires_grad == learns for p in part.parameters())
            norms = [m for m in part.modules() if isinstance(m, _BatchNorm)]
            assert norms
            assert all(m.training == learns for m in norms)


def test_norm_eval():
    model = small(norm_eval=True).train()
    assert model.training
    assert not any(m.training for m in model.modules() if isinstance(m, _BatchNorm))
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(arch='sunet65'), r"arch='sunet65'.*'sunet128', 'sunet64', 'sunet7128'.*did you mean"),
        (dict(arch=64), 'arch=64'),
        (dict(arch=dict(filters=64)), r"keys \['filters'\].*modules"),
        (dict(arch=SMALL | dict(depth=3)), 'depth'),
        (dict(arch=SMALL | dict(filters=0)), 'filters=0'),
        (dict(arch=SMALL | dict(stem_channels=2.0)), r'stem_channels=2\.0'),
        (dict(arch=SMALL | dict(modules=(1, 1, 1))), r'modules=\(1, 1, 1\).*four'),
        (dict(arch=SMALL | dict(channels=(8, 8, 8, 0))), r'channels=\(8, 8, 8, 0\).*four'),
        (dict(output_stride=4), r'output_stride=4 .*\(8, 16, 32\)'),
        (dict(output_stride='16'), "output_stride='16'"),
        (dict(out_indices=(0, 4)), r'out_indices=\(0, 4\).*4 outputs, 0 to 3'),
        (dict(out_indices=-5), 'out_indices=-5'),
        (dict(out_indices=()), r'out_indices=\(\)'),
        (dict(out_indices=(3, -1)), 'twice'),
        (dict(out_indices='3'), "out_indices='3'"),
        (dict(frozen_stages=5), 'frozen_stages=5'),
        (dict(frozen_stages=-2), 'frozen_stages=-2'),
    ],
    ids=str,
)
def test_bad_configuration_is_a_clear_error(arguments, message):
    with pytest.raises(UserError, match=message):
        small(**arguments)
