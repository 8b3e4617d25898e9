"""A rejuvenation keeps the network's function, its trained weights and their momentum."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.surgery.neural_rejuvenation import (
    ChannelGraph,
    apply_architecture,
    build_channel_graph,
    cost,
    fold_cross_removed,
    rejuvenate,
    silence,
    utilization,
)
from mmvisx.surgery.optimizer import update_optimizer
from mmvisx.utils.errors import UserError
from tests.helpers.neural_rejuvenation_nets import (
    IMAGES,
    NETWORKS,
    Chain,
    Dense,
    Residual,
    Separable,
    convolution_weights,
    norms_of,
    relative,
    wither,
)
from tests.test_surgery.test_neural_rejuvenation.test_utilization import (
    REAL,
    build_real,
    convolution_flops,
)

X = torch.randn(IMAGES, generator=torch.Generator().manual_seed(0))
VARIANTS = ('NR', 'NR-CR', 'NR-CA')


def budget(model, resource='params'):
    return convolution_weights(model) if resource == 'params' else convolution_flops(model, X)


def step(model, optimizer):
    """One training step that moves every parameter."""
    optimizer.zero_grad()
    model.train()
    (model(X) ** 2).sum().backward()
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.parametrize('rescale', [False, True], ids=['', 'BR'])
@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('net', NETWORKS.values(), ids=NETWORKS)
def test_function_is_kept_and_the_cost_reaches_the_target(net, variant, rescale):
    graph = build_channel_graph(net(), X)
    model = wither(net()).eval()
    reference = copy.deepcopy(model)
    silence(reference, graph, utilization(model, graph).alive)
    before = budget(model)
    # Two more rejuvenations, in each of which half of the neurons have died again.
    for turn in range(3):
        with torch.no_grad():
            expected = reference(X)
        result = rejuvenate(model, graph, before, variant=variant, rescale=rescale, seed=turn)
        graph = result.graph
        with torch.no_grad():
            assert relative(model(X), expected) < 1e-5
        assert 0.93 * before <= convolution_weights(model) <= before  # of few neurons each
        assert convolution_weights(model) == result.cost == cost(graph, 'params')
        assert utilization(model, graph).ratio == 1 or not rescale
        if rescale and turn == 0:
            assert all(norm.weight.abs().min() > 0.999 for norm in free_norms(model, graph))
        step(model, torch.optim.SGD(model.parameters(), 1e-3))
        wither(model.eval(), seed=turn + 1)
        reference = copy.deepcopy(model)
        silence(reference, graph, utilization(model, graph).alive)


def free_norms(model, graph):
    return [model.get_submodule(name) for group in graph.groups for name in group.norms]


def test_cost_is_counted_in_flops_too():
    graph = build_channel_graph(Residual(), X)
    model = wither(Residual()).eval()
    target = budget(model, 'flops')
    for variant in VARIANTS:
        grown = copy.deepcopy(model)
        rejuvenate(grown, graph, target, resource='flops', variant=variant)
        assert 0.95 * target <= budget(grown, 'flops') <= target


@pytest.mark.parametrize('variant', VARIANTS)
def test_survivors_come_first_with_their_momentum(variant):
    graph = build_channel_graph(Chain(), X)
    model = wither(Chain())
    alive = utilization(model, graph).alive
    kept = [mask.nonzero()[:, 0] for mask in alive]
    conv, bias = model.body[1][0], model.body[1][0].bias
    tags = torch.arange(conv.weight.numel(), dtype=torch.float).view_as(conv.weight) + 1
    conv.weight.data = tags.clone()
    bias.data = torch.arange(20.0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    optimizer.state[conv.weight]['momentum_buffer'] = -tags
    optimizer.state[bias]['momentum_buffer'] = -bias.detach()
    norm = model.body[1][1]
    optimizer.state[norm.weight]['momentum_buffer'] = torch.arange(20.0)
    scale, mean = norm.weight.detach().clone(), norm.running_mean.clone()
    result = rejuvenate(model, graph, budget(model), variant=variant, optimizers=[optimizer])
    s_in, s_out = kept[0].numel(), kept[1].numel()
    expected = tags[kept[1]][:, kept[0]]
    new = model.body[1][0]
    if variant == 'NR-CR':
        own, fresh = new.blocks['0'], new.blocks['1']
        assert torch.equal(own.weight, expected)
        assert torch.equal(optimizer.state[own.weight]['momentum_buffer'], -expected)
        assert torch.equal(own.bias, kept[1].float())
        assert torch.equal(optimizer.state[own.bias]['momentum_buffer'], -kept[1].float())
        assert not optimizer.state[fresh.weight]['momentum_buffer'].any()
        return
    assert torch.equal(new.weight[:s_out, :s_in], expected)
    assert torch.equal(new.bias[:s_out], kept[1].float())
    assert not new.bias[s_out:].any()
    momentum = optimizer.state[new.weight]['momentum_buffer']
    assert torch.equal(momentum[:s_out, :s_in], -expected)
    assert not momentum[s_out:].any()
    assert not momentum[:, s_in:].any()
    # Cross connections start at 0, those between new neurons do not.
    assert not new.weight[s_out:, :s_in].any()
    assert not new.weight[:s_out, s_in:].any()
    assert new.weight[s_out:, s_in:].abs().min() > 0
    width = result.graph.groups[1].width
    assert norm.num_features == width == new.out_channels
    assert torch.equal(norm.weight[:s_out], scale[kept[1]])
    assert torch.equal(norm.weight[s_out:], torch.ones(width - s_out))
    assert torch.equal(norm.running_mean[:s_out], mean[kept[1]])
    assert not norm.running_mean[s_out:].any()
    assert torch.equal(norm.running_var[s_out:], torch.ones(width - s_out))
    assert not norm.bias[s_out:].any()
    momentum = optimizer.state[norm.weight]['momentum_buffer']
    assert torch.equal(momentum[:s_out], kept[1].float())


def test_adam_moments_and_groups_are_kept():
    graph = build_channel_graph(Residual(), X)
    model = wither(Residual())
    named = dict(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            dict(params=[p for n, p in named.items() if p.dim() == 1], weight_decay=0.0, lr=1e-3),
            dict(params=[p for n, p in named.items() if p.dim() > 1], weight_decay=0.1),
        ],
        lr=1e-2,
    )
    step(model, optimizer)
    wither(model)
    kept = utilization(model, graph).alive[0].nonzero()[:, 0]
    before = copy.deepcopy(optimizer.state[model.blocks[0].conv1[0].weight])
    rejuvenate(model, graph, budget(model), variant='NR-CR', optimizers=[optimizer])
    after = optimizer.state[model.blocks[0].conv1[0].weight]
    assert after['step'] == before['step'] == 1
    for key in ('exp_avg', 'exp_avg_sq'):
        assert torch.equal(after[key][: kept.numel()], before[key][kept])
    assert not after['exp_avg'][kept.numel() :].any()
    mean = before['exp_avg_sq'][kept].mean().item()
    assert mean > 0
    assert after['exp_avg_sq'][kept.numel() :].unique().tolist() == pytest.approx([mean])
    ones, more = ([id(p) for p in group['params']] for group in optimizer.param_groups)
    assert sorted(ones) == sorted(id(p) for p in model.parameters() if p.dim() == 1)
    assert sorted(more) == sorted(id(p) for p in model.parameters() if p.dim() > 1)
    assert [g['weight_decay'] for g in optimizer.param_groups] == [0.0, 0.1]
    assert all(id(p) in {*ones, *more} for p in optimizer.state)
    for _ in range(2):
        step(model, optimizer)


@pytest.mark.parametrize('kind', ['Adam', 'RMSprop'])
def test_steps_of_new_weights_are_as_long_as_those_of_survivors(kind):
    """Measured over 20 steps, for what reads new neurons; their own gradients start at zero."""
    torch.manual_seed(0)
    model = Chain().train()
    graph = build_channel_graph(model, X)
    optimizer = getattr(torch.optim, kind)(model.parameters(), lr=1e-4)

    def train():
        x = torch.randn(8, *IMAGES[1:])
        labels = (20 * x.mean((1, 2, 3))).round().long().clamp(-2, 2) + 2
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()

    for _ in range(150):
        train()
    alive = [torch.arange(group.width) % 3 > 0 for group in graph.groups]
    total = cost(graph, 'params')
    result = rejuvenate(model, graph, total, alive=alive, optimizers=[optimizer])
    old = result.survived
    layers = {
        'classifier': (model.fc.weight, old[2]),
        'survived outputs': (model.body[1][0].weight[: old[1]], old[0]),
    }
    longest = {}
    for _ in range(20):
        before = {name: weight.detach().clone() for name, (weight, _) in layers.items()}
        train()
        for name, (weight, columns) in layers.items():
            moved = weight.detach() - before[name]
            for new, part in enumerate((moved[:, :columns], moved[:, columns:])):
                length = part.square().mean().sqrt().item()
                longest[name, new] = max(longest.get((name, new), 0), length)
    for name in layers:
        assert 0.5 < longest[name, True] / longest[name, False] < 1.5


def test_new_weights_have_the_documents_deviation_and_the_seed_decides():
    model = nn.Sequential(
        nn.Conv2d(3, 400, 3, padding=1),
        nn.BatchNorm2d(400),
        nn.ReLU(),
        nn.Conv2d(400, 300, 3, padding=1),
        nn.BatchNorm2d(300),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(300, 2),
    )
    graph = build_channel_graph(model, torch.randn(2, 3, 4, 4))
    model[1].weight.data[::2] = 0
    model[4].weight.data[::2] = 0
    model[1].weight.data[1] = 0.3  # a survivor that BR would rescale
    other = copy.deepcopy(model)
    rejuvenate(model, graph, budget(model), seed=5)
    rejuvenate(other, graph, budget(other), seed=5)
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    first, second = model[0].weight[200:], model[3].weight[150:, 200:]
    assert first.std().item() == pytest.approx(math.sqrt(2 / (9 * model[0].out_channels)), rel=0.05)
    assert second.std().item() == pytest.approx(
        math.sqrt(2 / (9 * model[3].out_channels)), rel=0.01
    )
    assert not model[8].weight[:, 150:].any()


@pytest.mark.parametrize('rescale', [False, True], ids=['', 'BR'])
@pytest.mark.parametrize('net', [Chain, Separable])
def test_new_scales_are_those_of_the_start(net, rescale):
    """Each layer has its own; the shifts are 0."""
    model = net()
    levels = [0.25 * (index + 2) for index in range(len(norms_of(model)))]
    for norm, level in zip(norms_of(model), levels, strict=True):
        nn.init.constant_(norm.weight, level)
    graph = build_channel_graph(model, X)
    wither(model)
    old = [mask.sum().item() for mask in utilization(model, graph).alive]
    new = rejuvenate(model, graph, budget(model), rescale=rescale).graph
    expected = dict(zip([id(norm) for norm in norms_of(model)], levels, strict=True))
    for group, kept in zip(new.groups, old, strict=True):
        assert group.width > kept
        for name in group.norms:
            norm = model.get_submodule(name)
            assert norm.weight[kept:].tolist() == [expected[id(norm)]] * (group.width - kept)
            assert not norm.bias[kept:].any()


def test_every_weight_can_learn_after_two_steps():
    for variant in VARIANTS:
        for net in NETWORKS.values():
            graph = build_channel_graph(net(), X)
            model = wither(net())
            rejuvenate(model, graph, budget(model), variant=variant)
            optimizer = torch.optim.SGD(model.parameters(), 0.05)
            before = {name: p.detach().clone() for name, p in model.named_parameters()}
            for _ in range(2 + (variant == 'NR-CR') * 2):
                step(model, optimizer)
            for name, parameter in model.named_parameters():
                if name not in ('body.1.0.bias',):  # cancelled by the batch normalisation
                    assert not torch.equal(parameter, before[name]), (variant, net, name)


def test_rescaling_leaves_a_scale_of_zero_alone():
    graph = build_channel_graph(Chain(), X)
    model = wither(Chain()).eval()
    model.body[1][1].weight.data.zero_()  # all dead: the strongest is exactly 0
    reference = copy.deepcopy(model)
    state = utilization(model, graph)
    silence(reference, graph, state.alive)
    result = rejuvenate(model, graph, budget(model), rescale=True)
    assert result.rescued == ['body.1.0']
    assert all(p.isfinite().all() for p in model.parameters())
    with torch.no_grad():
        assert relative(model(X), reference(X)) < 1e-5


def test_dead_residual_branch_comes_back():
    graph = build_channel_graph(Residual(), X)
    model = wither(Residual()).eval()
    model.blocks[1].conv1[1].weight.data.zero_()
    reference = copy.deepcopy(model)
    silence(reference, graph, utilization(model, graph).alive)
    for variant in VARIANTS:
        grown = copy.deepcopy(model)
        result = rejuvenate(grown, graph, budget(model), variant=variant, rescale=True)
        with torch.no_grad():
            assert relative(grown(X), reference(X)) < 1e-5
        assert [group.counts[0] for group in result.graph.groups][2:4] == [0, 0]
        assert all(group.width >= 1 for group in result.graph.groups)


def test_averages_keep_their_own_survivors_and_get_the_same_new_weights():
    graph = build_channel_graph(Dense(), X)
    model, average = wither(Dense()).eval(), Dense().eval()
    average.load_state_dict(model.state_dict())
    for parameter in average.parameters():
        parameter.data *= 1.1
    alive = utilization(model, graph).alive
    reference = copy.deepcopy(average)
    silence(reference, graph, alive)
    rejuvenate(model, graph, budget(model), rescale=True, averages=[average])
    with torch.no_grad():
        assert relative(average(X), reference(X)) < 1e-5
    kept = int(alive[0].sum())
    assert torch.equal(average.stem[0].weight[kept:], model.stem[0].weight[kept:])
    assert not torch.equal(average.stem[0].weight[:kept], model.stem[0].weight[:kept])
    assert average.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('net', NETWORKS.values(), ids=NETWORKS)
def test_stored_architecture_rebuilds_a_fresh_network_and_its_optimizer(net, variant):
    graph = build_channel_graph(net(), X)
    model = wither(net()).eval()
    optimizer = torch.optim.SGD([dict(params=[p]) for p in model.parameters()], 0.1, momentum=0.9)
    for turn in range(2):
        step(model, optimizer)
        wither(model, seed=turn)
        graph = rejuvenate(
            model, graph, budget(model), variant=variant, optimizers=[optimizer]
        ).graph
    step(model, optimizer)
    fresh = net().eval()
    other = torch.optim.SGD([dict(params=[p]) for p in fresh.parameters()], 0.1, momentum=0.9)
    stored = ChannelGraph.from_dict(graph.to_dict())
    update_optimizer(other, apply_architecture(fresh, stored))
    assert apply_architecture(fresh, stored) == []  # it is there already
    fresh.load_state_dict(model.state_dict())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    step(model, optimizer)
    step(fresh, other)
    for name, value in model.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name]), name


def test_without_cross_connections_a_network_folds_into_plain_convolutions():
    graph = build_channel_graph(Separable(), X)
    model = wither(Separable()).eval()
    graph = rejuvenate(model, graph, budget(model), variant='NR-CR').graph
    with torch.no_grad():
        expected = model(X)
        fold_cross_removed(model, graph)
        assert relative(model(X), expected) < 1e-5
    assert all(
        type(m) in (nn.Conv2d, nn.Linear)
        for m in model.modules()
        if hasattr(m, 'weight') and not isinstance(m, nn.BatchNorm2d)
    )


def test_from_scratch_draws_everything_anew_at_the_found_widths():
    graph = build_channel_graph(Chain(), X)
    model = wither(Chain())
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    step(model, optimizer)
    found = copy.deepcopy(model)
    widths = [g.width for g in rejuvenate(found, graph, budget(model)).graph.groups]
    result = rejuvenate(model, graph, budget(model), variant='NR-FS', optimizers=[optimizer])
    assert [group.counts for group in result.graph.groups] == [[width] for width in widths]
    assert not optimizer.state
    for norm in norms_of(model):
        assert torch.equal(norm.weight, torch.ones_like(norm.weight))
        assert not norm.running_mean.any()
    kept = found.body[1][0].weight
    assert not torch.isclose(model.body[1][0].weight, kept).any()
    assert model.body[1][0].weight.abs().min() > 0  # no cross connection at 0


def test_mistakes_leave_the_network_as_it_was():
    graph = build_channel_graph(Chain(), X)
    model = wither(Chain())
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(UserError, match="variant='NR-XX' is not one of"):
        rejuvenate(model, graph, 1e4, variant='NR-XX')
    with pytest.raises(UserError, match='more than the target of 10'):
        rejuvenate(model, graph, 10)
    with pytest.raises(UserError, match=r"layer 'body\.0\.0'"):
        apply_architecture(Residual(), graph)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize('name', REAL)
def test_function_of_the_documents_networks_is_kept(name):
    model, images = build_real(name)
    graph = build_channel_graph(model, images)
    wither(model)
    target = budget(model)
    reference = copy.deepcopy(model)
    silence(reference, graph, utilization(model, graph).alive)
    with torch.no_grad():
        expected = reference(images)
    for variant in VARIANTS:
        for rescale in (False, True):
            grown = copy.deepcopy(model)
            rejuvenate(grown, graph, target, variant=variant, rescale=rescale)
            with torch.no_grad():
                assert relative(grown(images), expected) < 1e-5
            assert 0.98 * target <= convolution_weights(grown) <= target
