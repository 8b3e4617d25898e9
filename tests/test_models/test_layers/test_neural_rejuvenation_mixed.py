"""The mixed layers against slow loops written from Eq. 5.5, 5.6, 5.9 and 5.10."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from mmvisx.models.layers.neural_rejuvenation_cross_attention import (
    CrossAttentionConv2d,
    cross_attention,
)
from mmvisx.models.layers.neural_rejuvenation_cross_removed import (
    CrossRemovedConv2d,
    pick_channels,
)

# Inputs of two concatenated layers: survived, rejuvenated, survived, rejuvenated.
S_IN = torch.tensor([0, 1, 4])
R_IN = torch.tensor([2, 3, 5, 6])
S_OUT, R_OUT = 3, 2


def images(channels=7):
    return torch.randn(2, channels, 6, 5, dtype=torch.double)


def like(**kwargs):
    return nn.Conv2d(7, 5, 3, padding=1, **kwargs).double()


def convolve(x, weight, **kwargs):
    """A convolution as sums over neurons, one output at a time."""
    outs = []
    for row in weight:
        terms = [
            F.conv2d(x[:, i : i + 1], row[None, i : i + 1], padding=1, **kwargs)
            for i in range(x.size(1))
        ]
        outs.append(sum(terms))
    return torch.cat(outs, 1)


def blocks_of(weight):
    """W_SS, W_RS, W_SR, W_RR of a dense weight."""
    return (
        weight[:S_OUT][:, S_IN],
        weight[:S_OUT][:, R_IN],
        weight[S_OUT:][:, S_IN],
        weight[S_OUT:][:, R_IN],
    )


@pytest.mark.parametrize('stride', [1, 2])
def test_cross_removed_is_equation_5_6(stride):
    layer = CrossRemovedConv2d(like(stride=stride), [S_IN, R_IN], [S_OUT, R_OUT], 7).double()
    x = images()
    survived = convolve(x[:, S_IN], layer.blocks['0'].weight, stride=stride)
    rejuvenated = convolve(x[:, R_IN], layer.blocks['1'].weight, stride=stride)
    survived = survived + layer.blocks['0'].bias[:, None, None]
    rejuvenated = rejuvenated + layer.blocks['1'].bias[:, None, None]
    torch.testing.assert_close(layer(x), torch.cat([survived, rejuvenated], 1))
    # What is removed costs nothing.
    assert sum(p.numel() for p in layer.parameters()) == 9 * (3 * 3 + 4 * 2) + 5


def test_generation_without_inputs_gives_zeros():
    layer = CrossRemovedConv2d(
        like(bias=False), [S_IN, torch.zeros(0, dtype=torch.long)], [S_OUT, R_OUT], 7
    ).double()
    out = layer(images())
    assert out.shape == (2, 5, 6, 5)
    assert not out[:, S_OUT:].any()
    assert out[:, :S_OUT].abs().min() > 0


@pytest.mark.parametrize('stride', [1, 2])
def test_cross_attention_is_equations_5_9_and_5_10(stride):
    layer = CrossAttentionConv2d(like(stride=stride, bias=False), [S_IN, R_IN], [S_OUT, R_OUT])
    layer = layer.double()
    x = images()
    ss, rs, sr, rr = blocks_of(layer.weight)
    own_s = convolve(x[:, S_IN], ss, stride=stride)
    own_r = convolve(x[:, R_IN], rr, stride=stride)
    to_s = convolve(x[:, R_IN], rs, stride=stride)
    to_r = convolve(x[:, S_IN], sr, stride=stride)
    survived = own_s + 2 / (1 + torch.exp(-own_s)) * to_s
    rejuvenated = own_r + 2 / (1 + torch.exp(-own_r)) * to_r
    expected = torch.cat([survived, rejuvenated], 1)
    out = layer(x)
    torch.testing.assert_close(out, expected)
    probe = torch.randn_like(out)
    gradients = [torch.autograd.grad(o, layer.weight, probe) for o in (out, expected)]
    torch.testing.assert_close(*gradients)


def multiply_adds(layer, x):
    with FlopCounterMode(display=False) as counter:
        layer(x)
    counts = counter.get_flop_counts()['Global']
    return counts[torch.ops.aten.convolution] // 2


class Calls(TorchDispatchMode):
    """Count the convolutions that run."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.number += func is torch.ops.aten.convolution.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ('widths', 'counts'), [([3, 4], [3, 2]), ([2, 1, 4], [2, 1, 2]), ([7, 0], [3, 2])]
)
def test_one_convolution_for_each_kind_of_inputs(widths, counts):
    """They make as many products as one dense convolution."""
    index = list(torch.arange(7).split(widths))
    layer = CrossAttentionConv2d(like(bias=False), index, counts).double()
    x = images()
    with Calls() as calls:
        layer(x)
    assert calls.number == sum(width > 0 for width in widths)
    assert multiply_adds(layer, x) == multiply_adds(like(), x)


def test_second_generation_attends_to_the_whole_layer_before_it():
    index = [torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([3, 4])]
    counts = [2, 1, 2]
    layer = CrossAttentionConv2d(nn.Conv2d(5, 5, 3, padding=1), index, counts).double()
    with torch.no_grad():
        layer.bias.copy_(torch.arange(5.0))
    x = images(5)
    first = CrossAttentionConv2d(nn.Conv2d(3, 3, 3, padding=1), index[:2], counts[:2]).double()
    with torch.no_grad():
        first.weight.copy_(layer.weight[:3, :3])
        first.bias.zero_()
    own = first(x[:, :3])
    older = cross_attention(own, convolve(x[:, 3:], layer.weight[:3, 3:]))
    latest = cross_attention(
        convolve(x[:, 3:], layer.weight[3:, 3:]), convolve(x[:, :3], layer.weight[3:, :3])
    )
    expected = torch.cat([older, latest], 1) + torch.arange(5.0)[:, None, None]
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize('counts', [(0, 5), (5, 0), (3, 2)])
@pytest.mark.parametrize('survived', [0, 3, 7])
def test_empty_kinds_are_as_if_they_gave_zero(counts, survived):
    index = [torch.arange(survived), torch.arange(survived, 7)]
    layer = CrossAttentionConv2d(like(bias=False), index, counts).double()
    x = images()
    s, rows = survived, counts[0]
    own_s, to_s = (
        convolve(x[:, part], layer.weight[:rows, part]) if rows and x[:, part].size(1) else 0
        for part in (slice(0, s), slice(s, 7))
    )
    to_r, own_r = (
        convolve(x[:, part], layer.weight[rows:, part]) if rows < 5 and x[:, part].size(1) else 0
        for part in (slice(0, s), slice(s, 7))
    )
    parts = [
        own + 2 * torch.sigmoid(torch.as_tensor(own)) * cross
        for own, cross in ((own_s, to_s), (own_r, to_r))
    ]
    parts = [part for part in parts if part.dim() == 4]
    torch.testing.assert_close(layer(x), torch.cat(parts, 1))


def test_padding_mode_and_gradients():
    conv = like(bias=False, padding_mode='reflect')
    layer = CrossAttentionConv2d(conv, [torch.arange(7), torch.zeros(0, dtype=torch.long)], [5, 0])
    layer = layer.double()
    with torch.no_grad():
        layer.weight.copy_(conv.weight)
    x = images()
    torch.testing.assert_close(layer(x), conv(x))
    small = CrossAttentionConv2d(like(bias=True), [S_IN, R_IN], [S_OUT, R_OUT]).double()
    image = torch.randn(1, 7, 3, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(small, (image,))
    small(image).sum().backward()
    assert small.weight.grad.abs().min() > 0


@pytest.mark.parametrize('kind', ['removed', 'attention'])
def test_state_dict_round_trip(kind):
    def build():
        if kind == 'removed':
            return CrossRemovedConv2d(like(), [S_IN, R_IN], [S_OUT, R_OUT], 7).double()
        return CrossAttentionConv2d(like(), [S_IN, R_IN], [S_OUT, R_OUT]).double()

    ours, other = build(), build()
    x = images()
    assert not torch.equal(ours(x), other(x))
    other.load_state_dict(copy.deepcopy(ours.state_dict()))
    assert torch.equal(ours(x), other(x))


def test_pick_channels():
    x = images()
    assert pick_channels(x, torch.arange(7)) is x
    part = pick_channels(x, torch.arange(2, 5))
    assert torch.equal(part, x[:, 2:5])
    assert part.data_ptr() == x[:, 2:].data_ptr()  # a view
    assert torch.equal(pick_channels(x, torch.tensor([0, 3])), x[:, [0, 3]])
    assert pick_channels(x, torch.zeros(0, dtype=torch.long)).shape == (2, 0, 6, 5)
