"""The channel graph: what is free, what is fixed and why."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.surgery.neural_rejuvenation import ChannelGraph, build_channel_graph
from mmvisx.utils.errors import UserError
from tests.helpers.neural_rejuvenation_nets import (
    IMAGES,
    NETWORKS,
    Dense,
    Flat,
    Residual,
    Separable,
    conv_bn,
)

X = torch.randn(IMAGES, generator=torch.Generator().manual_seed(0))


def graph_of(model):
    return build_channel_graph(model, X)


def inputs(graph, name):
    return [(s.group, s.channels, s.repeat) for s in graph.layer(name).inputs]


def test_residual_network_frees_what_lies_within_the_branches():
    graph = graph_of(Residual())
    assert [group.name for group in graph.groups] == [
        f'blocks.{block}.conv{number}.0' for block in range(3) for number in (1, 2)
    ]
    assert graph.fixed.keys() == {
        'stem.0',
        *(f'blocks.{block}.conv3.0' for block in range(3)),
        'blocks.0.down.0',
        'blocks.2.down.0',
    }
    assert graph.fixed['stem.0'] == 'the stem'
    assert 'residual' in graph.fixed['blocks.1.conv3.0']
    assert all(group.bridged and group.homogeneous for group in graph.groups)
    assert inputs(graph, 'blocks.1.conv1.0') == [(None, 24, 1)]
    assert inputs(graph, 'blocks.1.conv3.0') == [(3, 10, 1)]


def test_concatenated_maps_are_read_in_order():
    graph = graph_of(Dense())
    names = [group.name for group in graph.groups]
    assert len(names) == 7
    assert not graph.fixed
    stem, first, second, third = (
        names.index(name) for name in ('stem.0', 'first.0.0', 'first.1.0', 'first.2.0')
    )
    assert inputs(graph, 'first.2.0') == [(stem, 10, 1), (first, 6, 1), (second, 6, 1)]
    assert inputs(graph, 'transition.0') == [
        (stem, 10, 1),
        (first, 6, 1),
        (second, 6, 1),
        (third, 6, 1),
    ]
    assert inputs(graph, 'fc') == [
        (names.index('transition.0'), 14, 1),
        (names.index('second.0.0'), 6, 1),
        (names.index('second.1.0'), 6, 1),
    ]


def test_depthwise_convolutions_belong_to_what_feeds_them():
    graph = graph_of(Separable())
    assert [(group.convs, group.norms) for group in graph.groups] == [
        (['body.0.0', 'body.1.0'], ['body.0.1', 'body.1.1']),
        (['body.2.0', 'body.3.0'], ['body.2.1', 'body.3.1']),
        (['body.4.0'], ['body.4.1']),
    ]
    assert graph.layer('body.3.0').kind == 'depthwise'
    assert inputs(graph, 'body.4.0') == [(1, 18, 1)]


def test_flattened_map_has_a_run_of_features_for_each_channel():
    graph = graph_of(Flat())
    assert inputs(graph, 'fc.0') == [(1, 9, 16)]
    assert [layer.pixels for layer in graph.layers] == [256, 64, 0, 0]


@pytest.mark.parametrize('net', NETWORKS.values(), ids=NETWORKS)
def test_network_is_left_as_it_was(net):
    model = net().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    graph = graph_of(model)
    assert model.training
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key
    again = ChannelGraph.from_dict(graph.to_dict())
    assert again == graph


class Two(nn.Module):
    """Two convolutions with something in between."""

    def __init__(self, middle, first=None, second=None):
        super().__init__()
        self.first = first or conv_bn(3, 8)
        self.middle = middle
        self.second = second or conv_bn(8, 8)
        self.last = conv_bn(8, 8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.last(self.second(self.middle(self.first(x)))).mean((2, 3)))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class ScaledConv(nn.Conv2d):
    """A convolution that does something of its own with its weight."""

    def forward(self, x):
        return self._conv_forward(x, self.weight / self.weight.norm(), self.bias)


def mirror(x):
    """Read the channels backwards."""
    return x.flip(1)


def shuffle(x):
    """Mix the channels of two halves, as ShuffleNet does."""
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


@pytest.mark.parametrize(
    ('middle', 'reason'),
    [
        (Function(lambda x: x.softmax(1)), 'is not right'),
        (Function(lambda x: x - x.mean(1, keepdim=True)), 'is not right'),
        (Function(mirror), 'is not right'),
        (Function(shuffle), 'is not right'),
        (Function(torch.sigmoid), 'is not right'),
        (Function(lambda x: F.pad(x[:, :4], (0, 0, 0, 0, 2, 2))), ''),
        (nn.GroupNorm(2, 8), ''),
        (nn.LayerNorm([8, 16, 16]), ''),
        (nn.PReLU(8), ''),
        (nn.BatchNorm2d(8), 'not followed by a batch normalisation of its own'),
        (nn.Conv2d(8, 8, 3, padding=1, groups=2), 'grouped'),
        (ScaledConv(8, 8, 3, padding=1), 'ScaledConv'),
    ],
    ids=lambda value: (
        getattr(value, '__name__', type(value).__name__) if not isinstance(value, str) else ''
    ),
)
def test_what_cannot_be_followed_is_fixed_with_a_reason(middle, reason):
    graph = graph_of(Two(middle))
    assert 'first.0' in graph.fixed
    assert reason in graph.fixed['first.0']
    assert [group.name for group in graph.groups] == ['second.0', 'last.0']


class Gated(nn.Module):
    """As EfficientNet's blocks without a shortcut: a depthwise convolution and a gate."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8)
        self.expand = conv_bn(8, 16, 1)
        self.depthwise = conv_bn(16, 16, groups=16)
        self.squeeze = nn.Sequential(nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1))
        self.project = conv_bn(16, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.depthwise(self.expand(self.stem(x)))
        x = x * self.squeeze(x.mean((2, 3), keepdim=True)).sigmoid()
        return self.fc(self.project(x).mean((2, 3)))


def test_gate_is_not_called_a_residual_stream():
    graph = graph_of(Gated())
    for name in ('expand.0', 'squeeze.2'):
        assert 'squeeze-and-excitation gate' in graph.fixed[name]
        assert 'residual' not in graph.fixed[name]
    residual = graph_of(Residual()).fixed['blocks.0.conv3.0']
    assert residual == 'added to a residual stream, or tied to other layers'


def test_activation_decides_whether_neurons_can_be_rescaled():
    assert graph_of(Two(nn.LeakyReLU())).groups[0].homogeneous
    for activation in (nn.ReLU6(), nn.SiLU(), nn.Tanh()):
        graph = graph_of(Two(activation))
        assert [group.homogeneous for group in graph.groups] == [False, True, True]


def test_convolution_that_runs_twice_or_is_frozen_or_an_output_is_fixed():
    class Twice(Two):
        def forward(self, x):
            x = self.first(x)
            return self.fc(self.last(self.second(self.second(x))).mean((2, 3)))

    graph = graph_of(Twice(nn.Identity()))
    assert {'first.0', 'second.0'} <= graph.fixed.keys()
    assert [group.name for group in graph.groups] == ['last.0']

    frozen = Two(nn.Identity())
    frozen.second.requires_grad_(False)
    assert 'not trained' in graph_of(frozen).fixed['second.0']

    class Maps(Two):
        def __init__(self):
            super().__init__(nn.Identity())
            del self.fc

        def forward(self, x):
            first = self.first(x)
            return first, self.last(self.second(first))

    graph = graph_of(Maps())
    assert graph.fixed == {
        'first.0': 'an output of the network',
        'last.0': 'an output of the network',
    }


def test_what_did_not_run_may_read_the_parts_outputs():
    class WithAuxiliary(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Sequential(conv_bn(3, 8), conv_bn(8, 8))
            self.head = nn.Sequential(conv_bn(8, 8), nn.Flatten(), nn.Linear(8 * 256, 5))
            self.auxiliary = nn.Conv2d(8, 5, 1)

        def forward(self, x):
            return self.head(self.backbone(x))

    graph = graph_of(WithAuxiliary())
    assert graph.fixed['backbone.1.0'] == 'an output of the network'
    assert [group.name for group in graph.groups] == ['backbone.0.0', 'head.0.0']


def test_depthwise_convolution_of_concatenated_maps_ties_them():
    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = conv_bn(3, 8), conv_bn(3, 4)
            self.depthwise = conv_bn(12, 12, groups=12)
            self.last = nn.Sequential(conv_bn(12, 8), conv_bn(8, 8))
            self.fc = nn.Linear(8, 5)

        def forward(self, x):
            x = self.depthwise(torch.cat([self.left(x), self.right(x)], 1))
            return self.fc(self.last(x).mean((2, 3)))

    graph = graph_of(Joined())
    assert graph.fixed == dict.fromkeys(
        ('left.0', 'right.0'), 'normalised together with others by depthwise.1'
    )
    assert [group.name for group in graph.groups] == ['last.0.0', 'last.1.0']


def test_two_stacked_convolutions_are_not_free():
    first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(8), nn.ReLU())
    graph = graph_of(Two(nn.Identity(), first=nn.Sequential(first, conv_bn(8, 8))))
    # A ReLU before the batch normalisation: the scale is not the convolution's.
    assert 'not followed by' in graph.fixed['first.0.0']


def test_networks_without_free_neurons_are_refused():
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    with pytest.raises(UserError, match='batch normalisation'):
        graph_of(plain)
    with pytest.raises(UserError, match='no convolution at all'):
        build_channel_graph(nn.Sequential(nn.Linear(4, 4)), torch.randn(2, 4))
    with pytest.raises(UserError, match='could not run'):
        build_channel_graph(Residual(), torch.randn(2, 5, 16, 16))
