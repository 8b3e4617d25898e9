"""GUNN's memory-saving backward pass on a GPU against plain autograd."""

import copy

import pytest
import torch
from torch import nn

from mmvisx.models.layers import BottleneckUpdate, GraduallyUpdated

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]


def randomised(entry, width):
    """A unit that draws random numbers, twice."""
    return nn.Sequential(nn.Dropout(0.5), BottleneckUpdate(entry, width), nn.Dropout2d(0.3))


def pair(unit, dtype, residual=True):
    """Return the layer with plain autograd and the same layer without."""
    plain = GraduallyUpdated(12, 3, unit, memory_efficient=False, residual=residual)
    plain = plain.to('cuda', dtype).train()
    ours = copy.deepcopy(plain)
    ours.memory_efficient = True
    return plain, ours


def run(layer, x, autocast=None):
    """Return output, gradient of the input, gradients of parameters, and buffers."""
    torch.manual_seed(0)
    x = x.clone().requires_grad_()
    with torch.autocast('cuda', autocast or torch.float16, enabled=autocast is not None):
        out = layer(x.clone())
    probe = torch.linspace(-1, 1, out.numel(), dtype=out.dtype, device='cuda').view_as(out)
    (out * probe).sum().backward()
    return (
        out.detach(),
        x.grad,
        {name: p.grad for name, p in layer.named_parameters()},
        {name: b.clone() for name, b in layer.named_buffers()},
        torch.rand(3, device='cuda'),  # as many random numbers were drawn
    )


@pytest.mark.parametrize('residual', [False, True])
@pytest.mark.parametrize('unit', [None, randomised], ids=['bottleneck', 'randomised'])
def test_equals_plain_autograd(unit, residual):
    x = torch.randn(2, 12, 9, 7, dtype=torch.float64, device='cuda')
    expected, found = (run(layer, x) for layer in pair(unit, torch.float64, residual))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert found[1].any()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_equals_plain_autograd_in_mixed_precision(dtype):
    x = torch.randn(2, 12, 9, 7, device='cuda')
    expected, found = (run(layer, x, dtype) for layer in pair(None, torch.float32))
    torch.testing.assert_close(found[0], expected[0], rtol=1e-3, atol=1e-3)
    error = (found[1] - expected[1]).norm() / expected[1].norm()
    assert error < 0.02
    assert all(gradient.isfinite().all() for gradient in found[2].values())


def test_keeps_less_memory():
    kept = []
    for layer in pair(None, torch.float32):
        x = torch.randn(16, 12, 64, 64, device='cuda', requires_grad=True)
        before = torch.cuda.memory_allocated()
        out = layer(x * 1)
        kept.append(torch.cuda.memory_allocated() - before)
        del out
    assert kept[1] < 0.5 * kept[0]
