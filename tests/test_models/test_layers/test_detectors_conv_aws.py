"""Adaptive weight standardisation: formula, absorbed weights, agreement with mmcv."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn import ConvAWS2d as MMCVConvAWS2d
from mmcv.cnn import build_conv_layer
from torch import nn

from mmvisx.models.layers import ConvAWS2d, SwitchableAtrousConv2d

GEOMETRIES = [
    dict(kernel_size=3, padding=1),
    dict(kernel_size=1, bias=False),
    dict(kernel_size=3, stride=2, dilation=2, groups=2),
]


def test_formula_by_hand():
    layer = ConvAWS2d(1, 1, (1, 3), bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[[1.0, 2.0, 6.0]]]]))
        layer.weight_gamma.fill_(2)
        layer.weight_beta.fill_(0.5)
    # Mean 3, unbiased variance (4 + 1 + 9) / 2 = 7.
    std = (7 + 1e-5) ** 0.5
    expected = [2 * -2 / std + 0.5, 2 * -1 / std + 0.5, 2 * 3 / std + 0.5]
    assert layer.standardized_weight().flatten().tolist() == pytest.approx(expected, rel=1e-12)
    x = torch.tensor([[[[1.0, 0.0, 2.0]]]], dtype=torch.float64)
    assert layer(x).item() == pytest.approx(expected[0] + 2 * expected[2], rel=1e-12)


@pytest.mark.parametrize('kwargs', GEOMETRIES, ids=str)
def test_fresh_layer_is_a_plain_convolution(kwargs):
    layer = ConvAWS2d(4, 6, **kwargs)
    x = torch.randn(2, 4, 9, 8)
    expected = F.conv2d(
        x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('kwargs', GEOMETRIES, ids=str)
@pytest.mark.parametrize('scale', [1e-4, 1.0, 100.0])
def test_plain_weights_load_strictly_and_compute_the_same(kwargs, scale):
    plain, layer = nn.Conv2d(4, 6, **kwargs), ConvAWS2d(4, 6, **kwargs)
    nn.init.normal_(plain.weight, 0.3 * scale, scale)
    keys = layer.load_state_dict(plain.state_dict(), strict=True)
    assert not keys.missing_keys
    assert not keys.unexpected_keys
    x = torch.randn(2, 4, 9, 8)
    torch.testing.assert_close(layer(x), plain(x), rtol=1e-6, atol=2e-6 * max(scale, 1))


@pytest.mark.parametrize('kind', [ConvAWS2d, SwitchableAtrousConv2d])
def test_gamma_and_beta_are_loaded_where_present(kind):
    source, layer = kind(4, 6, 3, padding=1), kind(4, 6, 3, padding=1)
    # mmcv takes a gamma whose mean is not positive for a missing one.
    source.weight_gamma.normal_(-1)
    source.weight_beta.normal_()
    layer.load_state_dict(source.state_dict(), strict=True)
    assert torch.equal(layer.weight_gamma, source.weight_gamma)
    assert torch.equal(layer.weight_beta, source.weight_beta)


def test_half_of_the_buffers_is_reported_as_missing():
    state = ConvAWS2d(4, 6, 3).state_dict()
    del state['weight_beta']
    with pytest.raises(RuntimeError, match='weight_beta'):
        ConvAWS2d(4, 6, 3).load_state_dict(state, strict=True)


def test_missing_weight_is_reported_and_nothing_changes():
    layer = ConvAWS2d(4, 6, 3)
    before = layer.weight_gamma.clone()
    keys = layer.load_state_dict({}, strict=False)
    assert set(keys.missing_keys) == {'weight', 'bias', 'weight_gamma', 'weight_beta'}
    assert torch.equal(layer.weight_gamma, before)


@pytest.mark.parametrize('kwargs', GEOMETRIES, ids=str)
def test_equals_mmcv(kwargs):
    theirs, ours = MMCVConvAWS2d(4, 6, **kwargs).double(), ConvAWS2d(4, 6, **kwargs).double()
    theirs.weight_gamma.uniform_(0.5, 2)
    theirs.weight_beta.normal_()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 4, 9, 8, dtype=torch.float64, requires_grad=True)
    a, b = ours(x), theirs(x)
    probe = torch.randn_like(b)
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    gradients = (
        torch.autograd.grad(out, (x, *layer.parameters()), probe)
        for out, layer in ((a, ours), (b, theirs))
    )
    for p, q in zip(*gradients, strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-10)


def test_gradcheck():
    layer = ConvAWS2d(2, 3, 3, padding=1).double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)

    def function(x, weight, bias):
        return torch.func.functional_call(layer, {'weight': weight, 'bias': bias}, (x,))

    assert torch.autograd.gradcheck(function, (x, layer.weight, layer.bias))


def test_gradient_ignores_scale_and_offset_of_the_weight():
    layer = ConvAWS2d(4, 6, 3).double()
    (layer(torch.randn(1, 4, 5, 5, dtype=torch.float64)) ** 2).sum().backward()
    flat, gradient = layer.weight.flatten(1), layer.weight.grad.flatten(1)
    assert gradient.norm() > 1
    torch.testing.assert_close(gradient.sum(1), torch.zeros(6).double(), rtol=0, atol=1e-9)
    # Orthogonal to the weight, but for the 1e-5 under the root.
    assert ((gradient * flat).sum(1).abs() < 1e-2 * gradient.norm(dim=1)).all()


def test_constant_weight_stays_finite():
    layer = ConvAWS2d(4, 6, 3)
    nn.init.constant_(layer.weight, 0.25)
    layer.absorb_weight()
    out = layer(torch.ones(1, 4, 3, 3))
    out.sum().backward()
    torch.testing.assert_close(out.flatten() - layer.bias, torch.full((6,), 9.0))
    assert layer.weight.grad.isfinite().all()


def test_standardises_in_float32_under_autocast():
    layer = ConvAWS2d(64, 8, 3)
    expected = layer.standardized_weight()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(layer.standardized_weight(), expected)
        assert layer(torch.randn(1, 64, 5, 5)).dtype == torch.bfloat16
    half = ConvAWS2d(64, 8, 3).bfloat16()
    assert half(torch.randn(1, 64, 5, 5).bfloat16()).dtype == torch.bfloat16


def test_is_a_conv_layer_of_configs():
    layer = build_conv_layer(dict(type='mmvisx.ConvAWS2d'), 4, 6, 3)
    assert isinstance(layer, ConvAWS2d)
