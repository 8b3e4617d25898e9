"""Switchable Atrous Convolution: Eq. 6.4 written out, identity at the start, mmcv's layer."""

import itertools
import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import build_conv_layer
from mmcv.ops import SAConv2d
from torch import nn
from torchvision.ops import deform_conv2d as torchvision_deform_conv2d

from mmvisx.models.layers import NonFiniteOffsetError, SwitchableAtrousConv2d

SWITCHES = [
    dict(zip(('use_deform', 'global_context', 'lock_weights', 'switch'), values, strict=True))
    for values in itertools.product((False, True), (False, True), (False, True), ('single', 'dual'))
]
SAME_SIZE = dict(kernel_size=3, padding=1)
GEOMETRIES = [
    SAME_SIZE,
    dict(kernel_size=3, stride=2, padding=1),
    dict(kernel_size=3, padding=2, dilation=2, groups=2),
    dict(kernel_size=5, padding=2, bias=False),
]


def make_live(layer, scale=0.2):
    """Move every parameter and buffer away from the identity, so that all paths matter."""
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name != 'weight':
                parameter.add_(scale * torch.randn_like(parameter))
        layer.weight_gamma.mul_(1 + scale * torch.randn_like(layer.weight_gamma))
        layer.weight_beta.add_(scale * torch.randn_like(layer.weight_beta))
    return layer


def written_out(layer, x):
    """Compute the layer from the order of operations in the authors' code."""
    w = layer.weight
    n_out = w.shape[0]
    var, mean = torch.var_mean(w.reshape(n_out, -1), dim=1)
    w = (w - mean.view(-1, 1, 1, 1)) / (var + 1e-5).sqrt().view(-1, 1, 1, 1)
    w = layer.weight_gamma * w + layer.weight_beta

    if layer.global_context:
        pooled = x.mean((2, 3))
        context = pooled @ layer.pre_context.weight[:, :, 0, 0].T + layer.pre_context.bias
        x = x + context[:, :, None, None]

    border = F.pad(x, (2, 2, 2, 2), mode='reflect')
    h, width = x.shape[2:]
    average = sum(border[:, :, i : i + h, j : j + width] for i in range(5) for j in range(5)) / 25

    stride = layer.stride[0]
    kernel = layer.switch.weight[:, :, 0, 0]
    switch = torch.einsum('nchw,sc->nshw', average[:, :, ::stride, ::stride], kernel)
    switch = switch + layer.switch.bias.view(1, -1, 1, 1)

    def convolve(weight, rate, offsets):
        dilation = layer.dilation[0] * rate
        # Both branches see the same centre: padding grows with the reach of the kernel.
        reach = (layer.kernel_size[0] - 1) // 2
        padding = layer.padding[0] + reach * (dilation - layer.dilation[0])
        if not layer.use_deform:
            return F.conv2d(x, weight, None, stride, padding, dilation, layer.groups)
        moved = F.conv2d(average, offsets.weight, offsets.bias, stride, 1)
        return torchvision_deform_conv2d(
            x, moved, weight, stride=stride, padding=padding, dilation=dilation
        )

    small = convolve(w, 1, getattr(layer, 'offset_s', None))
    diff = layer.weight_diff
    large = convolve(
        w + diff if layer.lock_weights else diff,
        layer.atrous_factor,
        getattr(layer, 'offset_l', None),
    )
    if switch.shape[1] == 2:
        out = switch[:, 0:1] * small + switch[:, 1:2] * large
    else:
        out = switch * small + (1 - switch) * large
    if layer.bias is not None:
        out = out + layer.bias.view(1, -1, 1, 1)
    if layer.global_context:
        pooled = out.mean((2, 3))
        context = pooled @ layer.post_context.weight[:, :, 0, 0].T + layer.post_context.bias
        out = out + context[:, :, None, None]
    return out


def assert_same(layer, expected_layer, x, expected_function, tolerance=1e-9):
    """Compare outputs and the gradients of the input and of all shared parameters."""
    x = x.requires_grad_()
    out, expected = layer(x), expected_function(x)
    torch.testing.assert_close(out, expected, rtol=0, atol=tolerance)
    probe = torch.randn_like(expected)
    ours = dict(layer.named_parameters())
    theirs = dict(expected_layer.named_parameters())
    assert ours.keys() == theirs.keys()
    gradients = [
        torch.autograd.grad(value, (x, *params.values()), probe, allow_unused=True)
        for value, params in ((out, ours), (expected, theirs))
    ]
    for name, a, b in zip(('x', *ours), *gradients, strict=True):
        assert a is not None, name
        if b is None:  # the reference leaves its bias without a gradient
            assert name == 'bias'
            continue
        torch.testing.assert_close(a, b, rtol=1e-9, atol=tolerance * 100, msg=name)


@pytest.mark.parametrize('geometry', GEOMETRIES, ids=str)
@pytest.mark.parametrize('switches', SWITCHES, ids=lambda s: '-'.join(map(str, s.values())))
def test_equals_the_equation(switches, geometry):
    layer = make_live(SwitchableAtrousConv2d(4, 6, **geometry, **switches).double())
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    assert_same(layer, layer, x, lambda x: written_out(layer, x))


@pytest.mark.parametrize('factor', [1, 2, 3])
@pytest.mark.parametrize('use_deform', [False, True])
def test_equals_the_equation_for_every_rate(factor, use_deform):
    layer = SwitchableAtrousConv2d(4, 6, **SAME_SIZE, use_deform=use_deform, atrous_factor=factor)
    layer = make_live(layer.double())
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    assert_same(layer, layer, x, lambda x: written_out(layer, x))


def test_gradcheck():
    layer = make_live(SwitchableAtrousConv2d(2, 2, **SAME_SIZE, use_deform=True).double(), 0.05)
    names, tensors = zip(*layer.named_parameters(), strict=True)
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)

    def function(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, (x, *tensors), fast_mode=True)


@pytest.mark.parametrize('geometry', GEOMETRIES, ids=str)
@pytest.mark.parametrize('switches', SWITCHES, ids=lambda s: '-'.join(map(str, s.values())))
@pytest.mark.parametrize('loaded', [False, True])
def test_starts_as_the_plain_convolution(switches, geometry, loaded):
    layer = SwitchableAtrousConv2d(4, 6, **geometry, **switches)
    plain = nn.Conv2d(4, 6, **geometry)
    if loaded:
        keys = layer.load_state_dict(plain.state_dict(), strict=False)
        new = ('switch', 'weight_diff', 'pre_context', 'post_context', 'offset_s', 'offset_l')
        assert all(key.startswith(new) for key in keys.missing_keys)
        assert not keys.unexpected_keys
    else:
        plain.load_state_dict({k: layer.state_dict()[k] for k in plain.state_dict()})
    x = torch.randn(2, 4, 10, 13)
    torch.testing.assert_close(layer(x), plain(x), rtol=0, atol=2e-6)


@pytest.mark.parametrize('dual', ['single', 'dual'])
def test_start_equals_to_the_last_bit_up_to_the_standardised_weight(dual):
    layer = SwitchableAtrousConv2d(4, 6, **SAME_SIZE, switch=dual)
    x = torch.randn(2, 4, 10, 13)
    expected = F.conv2d(x, layer.standardized_weight(), None, padding=1)
    assert torch.equal(layer(x), expected + layer.bias.view(-1, 1, 1))


@pytest.mark.parametrize('use_deform', [False, True])
@pytest.mark.parametrize(
    'geometry', [SAME_SIZE, dict(kernel_size=3, stride=2, padding=1, groups=2, bias=False)], ids=str
)
def test_equals_mmcv(use_deform, geometry):
    theirs = make_live(SAConv2d(4, 6, **geometry, use_deform=use_deform).double())
    if theirs.bias is not None:
        theirs.bias.data.zero_()  # the reference ignores it
    ours = SwitchableAtrousConv2d(4, 6, **geometry, use_deform=use_deform).double()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    assert_same(ours, theirs, x, theirs)


def test_every_parameter_gets_a_gradient_and_bias_too():
    layer = make_live(SwitchableAtrousConv2d(4, 6, **SAME_SIZE, use_deform=True), 0.1)
    layer(torch.randn(2, 4, 8, 8)).square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_switches_choose_the_parameters():
    def names(**switches):
        layer = SwitchableAtrousConv2d(4, 6, **SAME_SIZE, **switches)
        return {name.split('.')[0] for name, _ in layer.named_parameters()}

    base = {'weight', 'bias', 'weight_diff', 'switch'}
    assert names(global_context=False) == base
    assert names() == base | {'pre_context', 'post_context'}
    assert names(use_deform=True) - names() == {'offset_s', 'offset_l'}
    assert SwitchableAtrousConv2d(4, 6, **SAME_SIZE, switch='dual').switch.out_channels == 2
    large = SwitchableAtrousConv2d(4, 6, 5, padding=2, use_deform=True)
    assert large.offset_s.out_channels == 50


@pytest.mark.parametrize('size', [(1, 1), (1, 9), (2, 2), (3, 2)])
@pytest.mark.parametrize('use_deform', [False, True])
def test_maps_smaller_than_the_border(size, use_deform):
    layer = make_live(SwitchableAtrousConv2d(4, 6, **SAME_SIZE, use_deform=use_deform), 0.1)
    out = layer(torch.randn(2, 4, *size))
    assert out.shape == (2, 6, *size)
    out.sum().backward()
    assert layer.weight.grad.isfinite().all()


def test_small_maps_start_as_the_plain_convolution():
    layer = SwitchableAtrousConv2d(4, 6, **SAME_SIZE)
    x = torch.randn(2, 4, 1, 2)
    expected = F.conv2d(x, layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (dict(switch='triple'), "'single' or 'dual', got 'triple'"),
        (dict(atrous_factor=0), 'atrous_factor must be at least 1, got 0'),
        (dict(kernel_size=2), 'kernel_size must be odd, got 2'),
        (dict(kernel_size=(3, 4)), r'odd, got \(3, 4\)'),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        SwitchableAtrousConv2d(4, 6, **(SAME_SIZE | arguments))


@pytest.mark.parametrize('geometry', [dict(kernel_size=3), dict(kernel_size=5, padding=1)])
def test_padding_that_shrinks_the_map(geometry):
    # Switch and offsets have one value per input position, so the output must have the
    # input's size (divided by the stride).
    with pytest.raises(ValueError, match='padding'):
        SwitchableAtrousConv2d(4, 6, **geometry)


def test_non_finite_weight_is_an_error_that_names_the_layer():
    layer = SwitchableAtrousConv2d(4, 6, **SAME_SIZE, use_deform=True)
    with torch.no_grad():
        layer.offset_l.weight[0, 0, 0, 0] = math.nan
    with pytest.raises(NonFiniteOffsetError, match=r'SwitchableAtrousConv2d\.offset_l'):
        layer(torch.randn(1, 4, 5, 5))


def test_runs_under_bfloat16_autocast():
    layer = make_live(SwitchableAtrousConv2d(16, 8, **SAME_SIZE, use_deform=True), 0.05)
    x = torch.randn(2, 16, 8, 8)
    expected = layer(x)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = layer(x)
    assert (out.float() - expected).norm() < 0.03 * expected.norm()
    out.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_forward_leaves_the_layer_as_it_was():
    layer = SwitchableAtrousConv2d(4, 6, **SAME_SIZE, use_deform=True)
    before = (layer.padding, layer.dilation, str(layer))
    layer(torch.randn(1, 4, 5, 5))
    assert before == (layer.padding, layer.dilation, str(layer))


def test_is_a_conv_layer_of_configs():
    config = dict(type='mmvisx.SwitchableAtrousConv2d', switch='dual')
    layer = build_conv_layer(config, 4, 6, **SAME_SIZE)
    assert isinstance(layer, SwitchableAtrousConv2d)
    assert layer.dual_switch


def test_resolves_without_importing_the_package():
    code = (
        'from mmengine.config import Config\n'
        'from mmengine.registry import MODELS\n'
        "layer = MODELS.build(Config(dict(layer=dict(type='mmvisx.SwitchableAtrousConv2d',\n"
        '    in_channels=4, out_channels=6, kernel_size=3, padding=1))).layer)\n'
        'print(type(layer).__name__)\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split()[-1] == 'SwitchableAtrousConv2d'


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning', 'ignore:.*torch.jit.trace')
def test_can_be_traced():
    layer = SwitchableAtrousConv2d(4, 6, 3, padding=1, use_deform=True).eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    traced = torch.jit.trace(layer, torch.randn(1, 4, 9, 8), check_trace=False)
    x = torch.randn(1, 4, 9, 8)
    torch.testing.assert_close(traced(x), layer(x), rtol=1e-4, atol=1e-5)
