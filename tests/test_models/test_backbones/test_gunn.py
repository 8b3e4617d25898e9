"""GUNN: the document's networks by their parameters and shapes; modes; errors."""

from functools import cache

import pytest
import torch
from mmpretrain.models import LinearClsHead
from mmpretrain.registry import MODELS
from mmpretrain.utils import register_all_modules
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.models.backbones import GUNN
from mmvisx.utils import UserError

# 001, 4.5.2 and 4.5.3: classes and parameters with the classifier.
COUNTS = [
    ('gunn15', 10, 1_585_746),
    ('gunn15', 100, 1_618_236),
    ('gunn24', 10, 29_534_106),
    ('gunn24', 100, 29_631_396),
    ('gunn18', 1000, 28_909_736),
    ('wide_gunn18', 1000, 45_624_936),
]
SMALL = [(8, 4, 2, 1), (12, 3, 1, 2)]


@cache
def network(arch, **arguments):
    """Build the network without memory for its weights."""
    with torch.device('meta'):
        return GUNN(arch, **arguments).eval()


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(('arch', 'classes', 'expected'), COUNTS)
def test_parameter_counts(arch, classes, expected):
    backbone = network(arch, out_indices=(0, 1, 2, 3))
    head = LinearClsHead(num_classes=classes, in_channels=backbone.out_channels[-1])
    assert count(backbone) + count(head) == expected


@pytest.mark.parametrize('variant', [dict(mode='simultaneous'), dict(residual=False)], ids=str)
def test_the_variants_of_table_4_iv_have_as_many_parameters(variant):
    assert count(network('gunn15', **variant)) == count(network('gunn15', out_indices=(0, 1, 2, 3)))


def test_classifier_from_a_config():
    register_all_modules(init_default_scope=False)
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            _scope_='mmpretrain',
            backbone=dict(type='mmvisx.GUNN', arch='gunn15'),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=360),
        )
    )
    assert count(model) == 1_585_746
    assert model.eval()(torch.randn(1, 3, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize(
    ('arch', 'size', 'shapes'),
    [
        ('gunn15', 32, [(240, 32), (300, 16), (360, 8), (360, 8)]),
        ('gunn24', 32, [(720, 32), (900, 16), (1080, 8), (1080, 8)]),
        ('gunn18', 224, [(400, 56), (800, 28), (1600, 14), (2000, 7)]),
        ('wide_gunn18', 224, [(1200, 56), (1600, 28), (2000, 14), (2000, 7)]),
    ],
)
def test_shapes_of_tables_4_i_and_4_ii(arch, size, shapes):
    model = network(arch, out_indices=(0, 1, 2, 3))
    outs = model(torch.empty(1, 3, size, size, device='meta'))
    assert [(out.shape[1], out.shape[2]) for out in outs] == shapes
    assert model.out_channels == tuple(channels for channels, _ in shapes)


@pytest.mark.parametrize(
    ('arch', 'depth'), [('gunn15', 15), ('gunn24', 24), ('gunn18', 18), ('wide_gunn18', 18)]
)
def test_depths_of_the_names(arch, depth):
    """Convolutions one behind the other in SUNN, and the fully connected layer."""
    convs = {
        name: module
        for name, module in network(arch, out_indices=(0, 1, 2, 3)).named_modules()
        if isinstance(module, nn.Conv2d)
    }
    assert all(conv.bias is None for conv in convs.values())
    chain = [
        name
        for name in convs
        if '.shortcut.' not in name and ('.units.' not in name or '.units.0.' in name)
    ]
    assert len(chain) + 1 == depth


def test_order_of_the_transitions():
    cifar, imagenet = GUNN(SMALL, stem='cifar').stages[1], GUNN(SMALL).stages[1]
    assert [type(m).__name__ for m in cifar] == ['ConvModule', 'AvgPool2d', 'GraduallyUpdated']
    assert [type(m).__name__ for m in imagenet] == ['AvgPool2d', 'ConvModule', 'GraduallyUpdated']


def test_outputs_come_in_the_order_of_out_indices_and_the_rest_is_not_built():
    full = GUNN(SMALL, out_indices=(0, 1)).eval()
    swapped = GUNN(SMALL, out_indices=[-1, 0]).eval()
    first = GUNN(SMALL, out_indices=0).eval()
    swapped.load_state_dict(full.state_dict())
    assert not first.load_state_dict(full.state_dict(), strict=False).missing_keys
    assert len(first.stages) == 1
    x = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        a, b = full(x)
        assert a.shape == (1, 8, 8, 12)
        assert b.shape == (1, 12, 4, 6)
        assert all(torch.equal(*pair) for pair in zip(swapped(x), (b, a), strict=True))
        assert torch.equal(first(x)[0], a)


def test_every_update_unit_reads_the_updated_channels():
    """The last segment of GUNN depends on the first unit, that of SUNN does not."""
    x = torch.randn(2, 8, 5, 5)
    for mode, depends in (('gradual', True), ('simultaneous', False)):
        torch.manual_seed(0)
        layer = GUNN(SMALL, mode=mode).stages[0][1].eval()
        before = layer(x)
        nn.init.normal_(layer.units[0].bottleneck[0].conv.weight, std=3)
        after = layer(x)
        assert not torch.equal(before[:, :2], after[:, :2])
        assert torch.equal(before[:, 6:], after[:, 6:]) is not depends


def test_weights_are_drawn_as_by_he():
    torch.manual_seed(0)
    model = GUNN([(64, 2, 2, 1)])
    model.init_weights()
    weight = model.stages[0][1].units[1].bottleneck[1].conv.weight  # 64 x 64 x 3 x 3
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)
    assert all((m.weight == 1).all() for m in model.modules() if isinstance(m, _BatchNorm))


@pytest.mark.parametrize('frozen', [-1, 0, 1, 2])
def test_frozen_stages(frozen):
    model = GUNN(SMALL, frozen_stages=frozen).train()
    parts = [model.stem, *model.stages]
    for index, part in enumerate(parts):
        learns = index > frozen
        assert all(p.requires_grad == learns for p in part.parameters())
        norms = [m for m in part.modules() if isinstance(m, _BatchNorm)]
        assert norms
        assert all(m.training == learns for m in norms)


def test_norm_eval():
    model = GUNN(SMALL, norm_eval=True).train()
    assert model.training
    assert not any(m.training for m in model.modules() if isinstance(m, _BatchNorm))
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(arch='gunn16'), r"arch='gunn16'.*'gunn15', 'gunn18', 'gunn24', 'wide_gunn18'"),
        (dict(arch=[]), r'arch=\[\].*\(N, P, K, M\)'),
        (dict(arch=15), 'arch=15'),
        (dict(arch=[(8, 2, 2)]), r'stage 0 .*\(8, 2, 2\).*four'),
        (dict(arch=[(8, 2, 2, 1), (10, 4, 2, 1)]), 'stage 1 .*N=10.*P=4.*multiple'),
        (dict(arch=[(8, 0, 2, 1)]), r'stage 0 .*\(8, 0, 2, 1\)'),
        (dict(arch=[(8, -2, 2, 1)]), r'stage 0 .*\(8, -2, 2, 1\)'),
        (dict(arch=[(8, 2.0, 2, 1)]), r'stage 0 .*2\.0'),
        (dict(mode='random'), r"mode='random'.*'gradual', 'simultaneous'"),
        (dict(stem='mnist'), r"stem='mnist'.*'cifar', 'imagenet'"),
        (dict(final_channels=-1), 'final_channels=-1'),
        (dict(out_indices=(0, 2)), r'out_indices=\(0, 2\).*2 outputs, 0 to 1'),
        (dict(out_indices=-3), r'out_indices=-3'),
        (dict(out_indices=()), r'out_indices=\(\)'),
        (dict(out_indices=(1, -1)), 'twice'),
        (dict(out_indices='0'), "out_indices='0'"),
        (dict(frozen_stages=3), 'frozen_stages=3'),
        (dict(frozen_stages=-2), 'frozen_stages=-2'),
    ],
    ids=str,
)
def test_bad_configuration_is_a_clear_error(arguments, message):
    with pytest.raises(UserError, match=message):
        GUNN(**{'arch': SMALL, **arguments})


def gradients(model, x):
    """Return the output and the gradients of all parameters and of the input."""
    x = x.clone().requires_grad_()
    (out,) = model.train()(x)
    probe = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    (out * probe).mean().backward()
    return out.detach(), [p.grad for p in model.parameters()] + [x.grad]


ARCHITECTURES = [
    pytest.param('gunn15', 16, id='gunn15'),
    *(
        pytest.param(arch, size, id=arch, marks=pytest.mark.slow)
        for arch, size in (('gunn24', 16), ('gunn18', 64), ('wide_gunn18', 64))
    ),
]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(('arch', 'size'), ARCHITECTURES)
def test_gradients_of_the_memory_efficient_network(arch, size, dtype):
    """In float64 every parameter's to 1e-9 of its size.

    In float32 every number to 1e-5 of the largest and the whole gradient to 1e-5 of its length:
    what reaches a batch norm's bias in front of the next one is nothing but rounding.
    """
    torch.manual_seed(0)
    plain = GUNN(arch, memory_efficient=False)
    plain.init_weights()
    plain.to(dtype)
    ours = GUNN(arch).to(dtype)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(3, 3, size, size, dtype=dtype)
    (out, expected), (ours_out, found) = gradients(plain, x), gradients(ours, x)
    assert torch.equal(out, ours_out)
    for (name, a), b in zip(plain.state_dict().items(), ours.state_dict().values(), strict=True):
        assert torch.equal(a, b), name  # running statistics included
    length = sum(g.square().sum() for g in expected) ** 0.5
    largest = max(g.abs().max() for g in expected)
    difference = sum((a - b).square().sum() for a, b in zip(expected, found, strict=True)) ** 0.5
    exact = dtype == torch.float64
    assert difference < (1e-12 if exact else 1e-5) * length
    for a, b in zip(expected, found, strict=True):
        assert (a - b).abs().max() < 1e-5 * largest
        if exact:
            assert (a - b).norm() < 1e-9 * max(a.norm(), 1e-3 * length)
