"""The U-Net module: against its layers called one by one, what it reaches, and every size.

The dilated one is compared with the published layer list in
``test_backbones/test_stacked_unet_published.py``.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.models.layers import UNetModule

NORM = dict(type='BN')


def convolutions(module):
    return [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def lively(module):
    """Give norms numbers that are not those of the identity."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias)
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
    return module.eval()


def by_hand(x, norm, conv, size=None):
    """Norm, ReLU, convolution, from the formulas."""
    mean, var = norm.running_mean[:, None, None], norm.running_var[:, None, None]
    x = (x - mean) / (var + norm.eps).sqrt()
    x = (x * norm.weight[:, None, None] + norm.bias[:, None, None]).clamp(min=0)
    if size is None:
        return F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding)
    # A transposed convolution is one with the kernel turned round over the spread map.
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, size[0] + 2, size[1] + 2)
    spread[:, :, 1 : 2 * h : 2, 1 : 2 * w : 2] = x
    weight = conv.weight.transpose(0, 1).flip(2, 3)
    return F.conv2d(spread, weight, conv.bias)


@pytest.mark.parametrize('channels', [6, 5])
@pytest.mark.parametrize('size', [(8, 12), (7, 9), (5, 6)])
@pytest.mark.parametrize('levels', [2, 1])
def test_against_its_layers_by_hand(levels, size, channels):
    module = lively(UNetModule(6, channels, 4, levels, norm_cfg=NORM).double())
    convs = convolutions(module)
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 2 + 4 * levels
    assert len(convs) - (channels != 6) == 2 + 4 * levels
    x = torch.randn(2, 6, *size, dtype=torch.float64)
    with torch.no_grad():
        maps = [by_hand(x, norms[0], convs[0])]
        for level in range(levels):
            half = by_hand(maps[-1], norms[1 + 2 * level], convs[1 + 2 * level])
            maps.append(by_hand(half, norms[2 + 2 * level], convs[2 + 2 * level]))
        out = maps[-1]
        first = 1 + 2 * levels
        for step in range(levels):
            target = maps[levels - 1 - step]
            if step > 0:
                out = torch.cat([out, maps[levels - step]], 1)
            index = first + 2 * step
            out = by_hand(out, norms[index], convs[index], target.shape[2:])
            out = by_hand(out, norms[index + 1], convs[index + 1])
        out = by_hand(out, norms[-1], convs[first + 2 * levels])
        rest = x if channels == 6 else by_hand(x, norms[0], module.shortcut)
        torch.testing.assert_close(module(x), rest + out, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize('size', [(16, 16), (13, 18)])
@pytest.mark.parametrize(('levels', 'dilation'), [(2, 1), (1, 1), (2, 2), (1, 2), (1, 4)])
def test_reads_every_pixel_and_writes_every_pixel(levels, dilation, size):
    """With weights above 0 nothing cancels: what is 0 is not connected."""
    module = UNetModule(3, 3, 2, levels, dilation, NORM).double().eval()
    for conv in convolutions(module):
        nn.init.uniform_(conv.weight, 0.5, 1)
    x = torch.rand(1, 3, *size, dtype=torch.float64) + 1
    x.requires_grad_()
    branch = module(x) - x
    (gradient,) = torch.autograd.grad(branch.sum(), x)
    assert (gradient > 0).all()
    with torch.no_grad():
        change = module(2 * x) - 2 * x - branch
    assert (change > 0).all()


@pytest.mark.parametrize(('levels', 'dilation'), [(2, 1), (1, 1), (2, 2), (1, 4)])
def test_every_size_comes_back(levels, dilation):
    module = UNetModule(3, 5, 2, levels, dilation, NORM).eval()
    for height in range(1, 20):
        for width in (height, height + 1, 11):
            assert module(torch.zeros(1, 3, height, width)).shape == (1, 5, height, width)


def test_input_stays_as_it_is():
    module = UNetModule(3, 3, 2, norm_cfg=NORM)
    x = torch.randn(2, 3, 8, 8)
    before = x.clone()
    module(x)
    assert torch.equal(x, before)


def test_convolutions_have_biases_and_norms_are_slow():
    module = UNetModule(3, 5, 2)
    assert all(conv.bias is not None for conv in convolutions(module))
    assert {m.momentum for m in module.modules() if isinstance(m, nn.BatchNorm2d)} == {0.01}
