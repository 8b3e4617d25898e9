"""Neural rejuvenation of a network, without a training loop around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mmvisx.surgery.optimizer import update_optimizer
from mmvisx.utils.errors import UserError

from .graph import ChannelGraph, get_norm
from .plan import apply_plan, make_plan
from .search import MIXES, compact_graph, expand_graph, search_widths
from .usage import cost, split_alive, utilization

__all__ = ['Rejuvenation', 'compact', 'rejuvenate', 'silence']


@dataclass
class Rejuvenation:
    """What :func:`rejuvenate` did.

    Args:
        graph: Channel graph of the network as it is now.
        alpha: Expansion rate of all layers (5.3.2.1).
        cost: Cost of the network now.
        budget: The cost it was to have.
        survived: For each group the number of neurons that survived.
        rescued: Layers that were dead as a whole; their strongest neuron stayed alive.

    Source: 001, Algorithm 3.
    """

    graph: ChannelGraph
    alpha: float
    cost: int
    budget: float
    survived: list[int]
    rescued: list[str]


def check_variant(variant: str) -> None:
    """Refuse an unknown variant.

    Raises:
        UserError: it is not in :data:`MIXES`.
    """
    if variant not in MIXES:
        raise UserError(f'variant={variant!r} is not one of {", ".join(map(repr, MIXES))}')


def rejuvenate(
    model: nn.Module,
    graph: ChannelGraph,
    budget: float,
    *,
    resource: str = 'params',
    variant: str = 'NR',
    rescale: bool = False,
    seed: int = 0,
    alive: Sequence[Tensor] | None = None,
    optimizers: Sequence[Optimizer] = (),
    averages: Sequence[nn.Module] = (),
) -> Rejuvenation:
    """Rejuvenate a network's dead neurons, in place (5.3.2).

    Dead neurons go, all layers are expanded by one rate until the cost reaches the budget, and
    the new neurons are drawn. The network's output stays what it would be with the dead
    neurons at zero, but for ``'NR-FS'``, which draws all weights anew.

    Args:
        model: The network, not wrapped for distributed training.
        graph: Its channel graph.
        budget: Cost to reach, in the unit of ``resource``.
        resource: ``'params'`` or ``'flops'``.
        variant: ``'NR'``, ``'NR-CR'`` (Eq. 5.6), ``'NR-CA'`` (Eq. 5.9, 5.10) or ``'NR-FS'``.
        rescale: Rescale surviving neurons (BR, 5.3.2.3).
        seed: Of the new weights.
        alive: Which neurons survive; by default what the scales say.
        optimizers: Those that train the network; they keep the survivors' momentum.
        averages: Running averages of the network: they survive and grow the same way.

    Returns:
        What was done; its ``graph`` is the network's from now on.

    Raises:
        UserError: an argument is out of range, or the budget is below the cost of the living
            neurons. The network is as it was.
    """
    check_variant(variant)
    state = utilization(model, graph, resource)
    masks = state.alive if alive is None else list(alive)
    survivors = split_alive(graph, masks)
    alpha, widths = search_widths(graph, survivors, budget, resource=resource, variant=variant)
    survived = [sum(counts) for counts in survivors]
    added = [width - count for width, count in zip(widths, survived, strict=True)]
    new = expand_graph(graph, survivors=survivors, added=added, variant=variant)
    plan = make_plan(model, old=graph, new=new, alive=masks, rescale=rescale, seed=seed)
    changes = apply_plan(plan, model)
    for average in averages:
        apply_plan(plan, average)
    for optimizer in optimizers:
        update_optimizer(optimizer, changes)
    if variant == 'NR-FS':
        _restart(model, new, optimizers=optimizers, averages=averages, seed=seed)
    return Rejuvenation(
        graph=new,
        alpha=alpha,
        cost=cost(new, resource),
        budget=budget,
        survived=survived,
        rescued=state.rescued,
    )


def _restart(
    model: nn.Module,
    graph: ChannelGraph,
    *,
    optimizers: Sequence[Optimizer],
    averages: Sequence[nn.Module],
    seed: int,
) -> None:
    """Draw all weights anew, as the network's own classes do (NR-FS)."""
    _draw_anew(model, seed)
    _forget(model, graph, averages)
    for optimizer in optimizers:
        optimizer.state.clear()


def _draw_anew(model: nn.Module, seed: int) -> None:
    devices = list({p.device for p in model.parameters() if p.is_cuda})
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for module in model.modules():
            reset = getattr(module, 'reset_parameters', None)
            if callable(reset):
                reset()
        for module in model.modules():
            if hasattr(module, '_is_init'):
                module._is_init = False  # type: ignore[assignment]
        if hasattr(model, 'init_weights'):
            model.init_weights()  # type: ignore[operator]


def _forget(model: nn.Module, graph: ChannelGraph, averages: Sequence[nn.Module]) -> None:
    """Give scales, averages and graph what those of a network that was never trained have."""
    with torch.no_grad():
        for group in graph.groups:
            for name, scale in zip(group.norms, group.initial_scale, strict=True):
                get_norm(model, name).weight.fill_(scale)
        for average in averages:
            average.load_state_dict(model.state_dict())
    for group in graph.groups:
        group.counts = [group.width]
    for layer in graph.layers:
        layer.reads = []


@torch.no_grad()
def silence(model: nn.Module, graph: ChannelGraph, alive: Sequence[Tensor]) -> None:
    """Set the scale and shift of dead neurons to zero, so that they give 0, in place.

    Args:
        alive: For each group which neurons live, ``(N,)`` bool.
    """
    for group, mask in zip(graph.groups, alive, strict=True):
        for name in group.norms:
            norm = get_norm(model, name)
            dead = ~mask.to(norm.weight.device)
            norm.weight[dead] = 0
            norm.bias[dead] = 0


@torch.no_grad()
def compact(
    model: nn.Module, graph: ChannelGraph, alive: Sequence[Tensor] | None = None
) -> ChannelGraph:
    """Remove dead neurons without adding any, in place.

    A layer without a living neuron (in a residual branch) keeps one, which gives 0.

    Args:
        model: The network.
        graph: Its channel graph.
        alive: Which neurons of each group live, ``(N,)`` bool; by default what the scales say.

    Returns:
        The network's channel graph from now on.
    """
    masks = utilization(model, graph).alive if alive is None else [m.clone() for m in alive]
    silence(model, graph, masks)
    for mask in masks:
        if not mask.any():
            mask[0] = True
    new = compact_graph(graph, split_alive(graph, masks))
    apply_plan(make_plan(model, old=graph, new=new, alive=masks, seed=None), model)
    return new
