"""The bottleneck update unit against loops over pixels and channels."""

import itertools

import pytest
import torch

from mmvisx.models.layers import BottleneckUpdate
from mmvisx.utils import UserError


def loop_conv(x, weight):
    """Convolve without bias, with zeros outside the map, one product at a time."""
    batch, entry, height, width = x.shape
    out_channels, _, side, _ = weight.shape
    out = torch.zeros(batch, out_channels, height, width, dtype=x.dtype)
    for b, o, i, j in itertools.product(
        range(batch), range(out_channels), range(height), range(width)
    ):
        for c, u, v in itertools.product(range(entry), range(side), range(side)):
            row, col = i + u - side // 2, j + v - side // 2
            if 0 <= row < height and 0 <= col < width:
                out[b, o, i, j] += weight[o, c, u, v] * x[b, c, row, col]
    return out


def loop_norm(x, norm):
    """Normalise every channel by its own mean and variance in the batch, or by the running."""
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        values = x[:, c]
        mean = values.mean() if norm.training else norm.running_mean[c]
        variance = ((values - mean) ** 2).mean() if norm.training else norm.running_var[c]
        out[:, c] = (values - mean) / (variance + norm.eps) ** 0.5 * norm.weight[c] + norm.bias[c]
    return out


def loop_unit(unit, x):
    """Figure 4-4, and the 1x1 convolution beside it."""
    out = x
    for index, layer in enumerate(unit.bottleneck):
        out = loop_norm(loop_conv(out, layer.conv.weight), layer.bn)
        if index % 3 < 2:
            out = out.clamp(min=0)
    if unit.shortcut is not None:
        out = out + loop_norm(loop_conv(x, unit.shortcut.conv.weight), unit.shortcut.bn)
    return out


def stir(module):
    """Give norm layers statistics and weights that are not those of a new one."""
    for name, tensor in itertools.chain(module.named_parameters(), module.named_buffers()):
        if 'bn.' in name and tensor.is_floating_point():
            with torch.no_grad():
                tensor.uniform_(0.5, 1.5)
    return module


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize(
    'arguments', [{}, dict(expansion=1), dict(stacks=2), dict(shortcut_conv=True)], ids=str
)
def test_equals_the_loops(arguments, training):
    unit = stir(BottleneckUpdate(4, 2, **arguments)).double().train(training)
    x = torch.randn(2, 4, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(unit(x), loop_unit(unit, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize('name', ['in_channels', 'out_channels', 'expansion', 'stacks'])
@pytest.mark.parametrize('value', [0, -1, 1.5, '2'])
def test_numbers_below_one_are_a_clear_error(name, value):
    arguments = dict(dict(in_channels=4, out_channels=2), **{name: value})
    with pytest.raises(UserError, match=f'{name}={value!r}.*>= 1'):
        BottleneckUpdate(**arguments)
