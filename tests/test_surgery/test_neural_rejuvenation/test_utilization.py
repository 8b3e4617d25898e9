"""Dead neurons by hand, and the utilization against a network whose dead channels are gone."""

import copy

import pytest
import torch
from mmengine.analysis import FlopAnalyzer
from mmpretrain.registry import MODELS
from torch import nn

from mmvisx.surgery.neural_rejuvenation import (
    build_channel_graph,
    compact,
    cost,
    least_utilization,
    silence,
    utilization,
)
from mmvisx.surgery.neural_rejuvenation.search import search_widths
from mmvisx.utils.errors import UserError
from tests.helpers.neural_rejuvenation_nets import (
    IMAGES,
    NETWORKS,
    Chain,
    Residual,
    Separable,
    convolution_weights,
    relative,
    wither,
)

X = torch.randn(IMAGES, generator=torch.Generator().manual_seed(0))


def convolution_flops(model, images):
    """Multiply-adds of all convolutions for one image, by MMEngine's counter."""
    counts = FlopAnalyzer(model, (images[:1],)).by_operator()
    return counts['conv']


def set_scales(model, name, scales):
    model.get_submodule(name).weight.data = torch.tensor(scales)


def test_dead_is_below_a_hundredth_of_the_largest_scale_whatever_its_sign():
    model = Chain()
    graph = build_channel_graph(model, X)
    scales = [1.0] * 12
    scales[1], scales[2], scales[3], scales[4] = -2.0, 0.0199, -0.0199, 0.02001
    set_scales(model, 'body.0.1', scales)
    state = utilization(model, graph)
    dead = (~state.alive[0]).nonzero()[:, 0].tolist()
    assert dead == [2, 3]
    assert all(mask.all() for mask in state.alive[1:])
    used = 9 * (3 * 10 + 10 * 20 + 20 * 16)
    assert (state.used, state.total) == (used, 9 * (3 * 12 + 12 * 20 + 20 * 16))
    assert state.ratio == used / state.total


def test_depthwise_neuron_dies_with_either_scale():
    model = Separable()
    graph = build_channel_graph(model, X)
    set_scales(model, 'body.0.1', [1e-3] + [1.0] * 9)
    set_scales(model, 'body.1.1', [1.0, 1.0, -1e-3] + [1.0] * 7)
    state = utilization(model, graph)
    assert (~state.alive[0]).nonzero()[:, 0].tolist() == [0, 2]
    # The first convolution, its depthwise one and what reads that.
    saved = 2 * (9 * 3 + 9 + 18)
    assert state.total - state.used == saved


# Weights with one neuron left in each free layer, and none in a residual branch; and all of them.
LEAST = {
    'Chain': (9 * (3 + 1 + 1), 9 * (3 * 12 + 12 * 20 + 20 * 16)),
    'Residual': (9 * 3 * 12 + 12 * 24 + 24 * 32, 6568),
    'Dense': (9 * 3 + 9 * (1 + 2 + 3) + 4 + 9 * (1 + 2), 5090),
    'Separable': (9 * 3 + 9 + 1 + 9 + 1, 9 * 3 * 10 + 90 + 180 + 9 * 18 + 18 * 14),
}


@pytest.mark.parametrize('net', LEAST)
def test_least_utilization_by_hand_and_by_dying(net):
    least, total = LEAST[net]
    model = NETWORKS[net]()
    graph = build_channel_graph(model, X)
    assert least_utilization(graph, 'params') == least / total
    with torch.no_grad():
        for group in graph.groups:
            for name in group.norms:
                model.get_submodule(name).weight.fill_(1e-4)
                model.get_submodule(name).weight[1] = 5e-4 if net == 'Residual' else 1.0
    state = utilization(model, graph)
    assert (state.used, state.total) == (least, total)


@pytest.mark.parametrize('resource', ['params', 'flops'])
@pytest.mark.parametrize('net', NETWORKS.values(), ids=NETWORKS)
def test_no_death_leads_below_the_least_utilization(net, resource):
    graph = build_channel_graph(net(), X)
    least = least_utilization(graph, resource)
    for seed in range(20):
        model = wither(net(), 0.98, seed)
        assert utilization(model, graph, resource).ratio >= least


@pytest.mark.parametrize('resource', ['params', 'flops'])
@pytest.mark.parametrize('net', NETWORKS.values(), ids=NETWORKS)
def test_utilization_is_what_is_left_when_dead_channels_are_removed(net, resource):
    model = wither(net()).eval()
    graph = build_channel_graph(net(), X)
    state = utilization(model, graph, resource)
    assert not state.rescued
    assert 0.1 < state.ratio < 0.9
    small = copy.deepcopy(model)
    compact(small, graph)
    if resource == 'params':
        assert convolution_weights(model) == state.total
        assert convolution_weights(small) == state.used
    else:
        assert convolution_flops(model, X) == state.total
        assert convolution_flops(small, X) == state.used
    silence(model, graph, state.alive)
    with torch.no_grad():
        assert relative(small(X), model(X)) < 1e-5


def test_dead_layer_in_a_residual_branch_takes_its_branch_with_it_and_nothing_else():
    model = Residual().eval()
    graph = build_channel_graph(model, X)
    set_scales(model, 'blocks.1.conv1.1', [9e-4, 1e-5] + [0.0] * 8)
    state = utilization(model, graph)
    assert not state.rescued
    assert [bool(mask.any()) for mask in state.alive] == [True, True, False, False, True, True]
    assert state.total - state.used == 24 * 10 + 10 * 10 * 9 + 10 * 24
    silence(model, graph, state.alive)
    assert model(X).std(0).min() > 0  # the images are still told apart


def test_dead_layer_of_a_chain_keeps_its_strongest_neuron():
    model = Chain()
    graph = build_channel_graph(model, X)
    set_scales(model, 'body.1.1', [1e-4] * 7 + [-9e-4] + [0.0] * 12)
    state = utilization(model, graph)
    assert state.rescued == ['body.1.0']
    assert state.alive[1].nonzero()[:, 0].tolist() == [7]
    assert state.used == 9 * (3 * 12 + 12 * 1 + 1 * 16)
    set_scales(model, 'body.1.1', [0.0] * 20)
    assert utilization(model, graph).rescued == ['body.1.0']


def test_unknown_resource_is_refused():
    graph = build_channel_graph(Chain(), X)
    with pytest.raises(UserError, match="resource='time' is not 'params' or 'flops'"):
        cost(graph, 'time')


def test_search_expands_all_layers_by_one_rate():
    graph = build_channel_graph(Chain(), X)
    live = [[6], [10], [2]]
    alpha, widths = search_widths(graph, live, cost(graph, 'params'))
    for width, (survived,) in zip(widths, live, strict=True):
        assert abs(width - alpha * survived) < 1.5
    spent = 9 * (3 * widths[0] + widths[0] * widths[1] + widths[1] * widths[2])
    total = cost(graph, 'params')
    assert 0.98 * total <= spent <= total
    with pytest.raises(UserError, match='more than the target'):
        search_widths(graph, live, 100)
    unchanged = search_widths(graph, [[12], [20], [16]], total)
    assert unchanged == (pytest.approx(1.0, abs=1 / 16), [12, 20, 16])


REAL = {
    'VGG-19': (dict(type='mmvisx.ConvVGG', depth=19, pool_after=(4, 10)), 512, 32),
    'ResNet-50': (dict(type='ResNet', depth=50), 2048, 64),
    'ResNet-164': (
        dict(type='mmvisx.CifarBottleneckResNet', depth=164, zero_init_residual=False),
        256,
        32,
    ),
    'DenseNet-100-40': (dict(type='mmvisx.PostActivationDenseNet', arch='100_40'), 1140, 32),
    'MobileNet-V1': (dict(type='mmvisx.MobileNetV1'), 1024, 64),
}


def build_real(name):
    backbone, channels, size = REAL[name]
    head = dict(type='LinearClsHead', num_classes=10, in_channels=channels)
    neck = dict(type='GlobalAveragePooling')
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            _scope_='mmpretrain',
            backbone=backbone,
            neck=neck,
            head=head,
        )
    )
    return model.eval(), torch.randn(2, 3, size, size)


@pytest.mark.slow
@pytest.mark.parametrize('name', REAL)
def test_utilization_of_the_documents_networks(name):
    model, images = build_real(name)
    graph = build_channel_graph(model, images)
    wither(model)
    small = copy.deepcopy(model)
    compact(small, graph)
    params, flops = (utilization(model, graph, resource) for resource in ('params', 'flops'))
    assert 0 < params.ratio < 0.9
    assert sum(m.weight.numel() for m in small.modules() if isinstance(m, nn.Conv2d)) == params.used
    assert convolution_flops(small, images) == flops.used
    assert convolution_flops(model, images) == flops.total
