"""The layer and its plain functions against the equations, written as slow loops."""

import itertools

import pytest
import torch
from torch import nn

from mmvisx.models.layers import (
    BottleneckUpdate,
    GraduallyUpdated,
    gradual_update,
    gradual_update_in_place,
    simultaneous_update,
)
from mmvisx.registry import MODELS
from mmvisx.utils import UserError

LINEAR = dict(type='Conv2d', kernel_size=1, bias=False)
CONV = dict(type='Conv2d', kernel_size=3, padding=1)


def equation_4_9(x, weight):
    """y_i = x_i + sum_{j<i} w_ij y_j + sum_{j>=i} w_ij x_j, for one location's channels."""
    n = len(x)
    y = [0.0] * n
    for i in range(n):
        y[i] = x[i]
        y[i] += sum(weight[i][j] * y[j] for j in range(i))
        y[i] += sum(weight[i][j] * x[j] for j in range(i, n))
    return y


@pytest.mark.parametrize('memory_efficient', [False, True])
@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.float64, 1e-13), (torch.float32, 1e-6)], ids=str
)
def test_equals_equation_4_9(dtype, tolerance, memory_efficient):
    channels = 6
    layer = GraduallyUpdated(channels, channels, LINEAR, memory_efficient=memory_efficient)
    layer.to(dtype)
    x = torch.randn(2, channels, 3, 2, dtype=dtype)
    weight = torch.cat([unit.weight for unit in layer.units]).flatten(1).tolist()
    out = layer(x)
    for b, i, j in itertools.product(range(2), range(3), range(2)):
        expected = equation_4_9(x[b, :, i, j].tolist(), weight)
        torch.testing.assert_close(
            out[b, :, i, j], torch.tensor(expected, dtype=dtype), rtol=0, atol=tolerance
        )


def f_c(x, weight, bias, channel, row, col):
    """F_c of a 3x3 convolution at one location (Eq. 4.2)."""
    total = bias[channel]
    for c, u, v in itertools.product(range(len(x)), range(3), range(3)):
        i, j = row + u - 1, col + v - 1
        if 0 <= i < len(x[0]) and 0 <= j < len(x[0][0]):
            total += weight[channel][c][u][v] * x[c][i][j]
    return total


def equation_4_4(x, weight, bias, partition, residual):
    """Apply U_c of Eq. 4.3 for every set of the partition, channel by channel, on lists."""
    height, width = len(x[0]), len(x[0][0])
    for channels in partition:
        y = [[list(row) for row in plane] for plane in x]
        for c, i, j in itertools.product(channels, range(height), range(width)):
            y[c][i][j] = f_c(x, weight, bias, c, i, j) + (x[c][i][j] if residual else 0)
        x = y
    return x


@pytest.mark.parametrize('memory_efficient', [False, True])
@pytest.mark.parametrize('residual', [False, True])
@pytest.mark.parametrize('segments', [1, 2, 3, 6])
@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.float64, 1e-12), (torch.float32, 1e-6)], ids=str
)
def test_equals_equation_4_4(segments, residual, memory_efficient, dtype, tolerance):
    layer = GraduallyUpdated(
        6, segments, CONV, residual=residual, memory_efficient=memory_efficient
    ).to(dtype)
    x = 0.5 * torch.randn(1, 6, 4, 3, dtype=dtype)
    weight = torch.cat([unit.weight for unit in layer.units]).tolist()
    bias = torch.cat([unit.bias for unit in layer.units]).tolist()
    width = 6 // segments
    partition = [range(i * width, (i + 1) * width) for i in range(segments)]
    expected = equation_4_4(x[0].tolist(), weight, bias, partition, residual)
    expected = torch.tensor(expected, dtype=dtype)
    torch.testing.assert_close(layer(x)[0], expected, rtol=0, atol=tolerance)


def test_simultaneous_is_the_ordinary_convolution():
    layer = GraduallyUpdated(6, 3, CONV, mode='simultaneous', residual=False).double()
    conv = nn.Conv2d(6, 6, 3, padding=1).double()
    with torch.no_grad():
        conv.weight.copy_(torch.cat([unit.weight for unit in layer.units]))
        conv.bias.copy_(torch.cat([unit.bias for unit in layer.units]))
    x = torch.randn(2, 6, 5, 7, dtype=torch.float64)
    torch.testing.assert_close(layer(x), conv(x), rtol=0, atol=1e-13)
    layer.residual = True
    torch.testing.assert_close(layer(x), conv(x) + x, rtol=0, atol=1e-13)


@pytest.mark.parametrize('memory_efficient', [False, True])
@pytest.mark.parametrize('residual', [False, True])
def test_one_segment_is_the_simultaneous_layer(residual, memory_efficient):
    arguments = dict(residual=residual, memory_efficient=memory_efficient)
    gradual = GraduallyUpdated(6, 1, **arguments).train()
    simultaneous = GraduallyUpdated(6, 1, mode='simultaneous', **arguments).train()
    simultaneous.load_state_dict(gradual.state_dict())
    x = torch.randn(2, 6, 5, 5)
    a, b = gradual(x), simultaneous(x)
    assert torch.equal(a, b)
    a.square().sum().backward()
    b.square().sum().backward()
    for p, q in zip(gradual.parameters(), simultaneous.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-5, atol=1e-5)


def test_more_segments_are_not():
    gradual = GraduallyUpdated(6, 2).train()
    simultaneous = GraduallyUpdated(6, 2, mode='simultaneous').train()
    simultaneous.load_state_dict(gradual.state_dict())
    x = torch.randn(2, 6, 5, 5)
    a, b = gradual(x), simultaneous(x)
    assert torch.equal(a[:, :3], b[:, :3])
    assert not torch.allclose(a[:, 3:], b[:, 3:], atol=1e-2)


def test_unit_as_a_function_of_its_channels():
    layer = GraduallyUpdated(6, 2, lambda entry, width: nn.Conv2d(entry, width, 1))
    assert [tuple(unit.weight.shape) for unit in layer.units] == [(3, 6, 1, 1)] * 2
    assert isinstance(GraduallyUpdated(6, 2).units[0], BottleneckUpdate)


def test_unit_from_a_config_leaves_the_config_alone():
    config = dict(
        type='mmvisx.GraduallyUpdated', channels=6, num_segments=2, unit=dict(CONV, bias=False)
    )
    layer = MODELS.build(config)
    assert layer.units[1].bias is None
    assert config['unit'] == dict(CONV, bias=False)


@pytest.mark.parametrize('function', [gradual_update, gradual_update_in_place])
def test_maps_of_any_dimension(function):
    units = [nn.Linear(6, 3), nn.Linear(6, 3)]
    x = torch.randn(2, 6)
    first = x[:, :3] + units[0](x)
    second = x[:, 3:] + units[1](torch.cat((first, x[:, 3:]), 1))
    torch.testing.assert_close(function(x, units), torch.cat((first, second), 1))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(channels=10, num_segments=4), 'channels=10 .*num_segments=4 .*multiple'),
        (dict(channels=10, num_segments=0), 'num_segments=0 .*>= 1'),
        (dict(channels=10, num_segments=-2), 'num_segments=-2'),
        (dict(channels=10, num_segments=2.0), r'num_segments=2\.0'),
        (dict(channels=0, num_segments=1), 'channels=0'),
        (dict(channels=10, num_segments=2, mode='sunn'), "mode='sunn'.*'gradual'"),
    ],
    ids=str,
)
def test_bad_configuration_is_a_clear_error(arguments, message):
    with pytest.raises(UserError, match=message):
        GraduallyUpdated(**arguments)


def test_input_of_other_channels_is_a_clear_error():
    with pytest.raises(UserError, match=r'channels=6, its input \(1, 4, 3, 3\) has 4'):
        GraduallyUpdated(6, 2)(torch.randn(1, 4, 3, 3))


FUNCTIONS = [gradual_update, simultaneous_update, gradual_update_in_place]


@pytest.mark.parametrize('function', FUNCTIONS)
@pytest.mark.parametrize('grad', [False, True])
class TestUnitsThatDoNotFit:
    def test_segments(self, function, grad):
        units = [nn.Conv2d(6, 2, 1) for _ in range(4)]
        with pytest.raises(UserError, match=r'6 channels .* 4 equal segments'), enabled(grad):
            function(torch.randn(1, 6, 4, 4), units)

    @pytest.mark.parametrize('fault', [dict(kernel_size=3), dict(kernel_size=1, stride=2)])
    def test_size_of_the_map(self, function, grad, fault):
        units = [nn.Conv2d(6, 3, 1), nn.Conv2d(6, 3, **fault)]
        with pytest.raises(UserError, match=r'update unit 1 gives .*keep the size'), enabled(grad):
            function(torch.randn(1, 6, 4, 4), units)

    def test_channels(self, function, grad):
        units = [nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1)]
        with pytest.raises(UserError, match=r'update unit 0 gives .*N / P'), enabled(grad):
            function(torch.randn(1, 6, 4, 4), units)

    def test_change_of_the_input(self, function, grad):
        units = [nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(6, 3, 1)) for _ in range(2)]
        with pytest.raises(UserError, match='unit 0 changes its input in place'), enabled(grad):
            function(torch.randn(1, 6, 4, 4), units)


def enabled(grad):
    return torch.enable_grad() if grad else torch.no_grad()


@pytest.mark.parametrize('mode', ['gradual', 'simultaneous'])
@pytest.mark.parametrize('memory_efficient', [False, True])
def test_the_input_stays_as_it_is(mode, memory_efficient):
    layer = GraduallyUpdated(6, 2, mode=mode, memory_efficient=memory_efficient)
    x = torch.randn(2, 6, 4, 4)
    before = x.clone()
    layer(x).sum().backward()
    with torch.no_grad():
        layer(x)
    with torch.inference_mode():
        layer(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('mode', ['gradual', 'simultaneous'])
@pytest.mark.parametrize('memory_efficient', [False, True])
def test_the_features_keep_their_type(dtype, mode, memory_efficient):
    """Even where a unit gives another, as norm layers do under autocast."""

    class Float32(nn.Conv2d):
        def forward(self, x):
            return super().forward(x.float())

    layer = GraduallyUpdated(
        4, 2, lambda entry, width: Float32(entry, width, 1), mode, True, memory_efficient
    )
    x = torch.randn(1, 4, 3, 3).to(dtype)
    out = layer(x)
    assert out.dtype == dtype
    out.float().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in layer.parameters())


def test_compiles_to_one_graph_and_exports():
    layer = GraduallyUpdated(6, 3, CONV)
    plain = GraduallyUpdated(6, 3, CONV, memory_efficient=False)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(2, 6, 4, 4)
    compiled = torch.compile(layer, backend='eager', fullgraph=True)
    torch.testing.assert_close(compiled(x), plain(x))
    compiled(x).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    exported = torch.export.export(layer, (x,)).module()
    torch.testing.assert_close(exported(x), plain(x))
