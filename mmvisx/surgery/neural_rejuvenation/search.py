"""Reallocate a network's resource: one expansion rate for all layers, found by search."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from mmvisx.utils.errors import UserError

from .graph import ChannelGraph, GraphLayer
from .usage import cost, input_counts

__all__ = [
    'MIXES',
    'compact_graph',
    'expand_graph',
    'mixed_layers',
    'search_widths',
    'split_graph',
]

# How survived and rejuvenated neurons are connected.
MIXES = {'NR': 'dense', 'NR-FS': 'dense', 'NR-CR': 'removed', 'NR-CA': 'attention'}


def expand_graph(
    graph: ChannelGraph,
    *,
    survivors: Sequence[Sequence[int]],
    added: Sequence[int],
    variant: str = 'NR',
) -> ChannelGraph:
    """Return the graph after a rejuvenation.

    Args:
        graph: The network's graph before it, which is not changed.
        survivors: Surviving neurons of each generation in each group.
        added: Rejuvenated neurons of each group: their next generation.
        variant: A key of :data:`MIXES`.
    """
    new = copy.deepcopy(graph)
    for group, counts, extra in zip(new.groups, survivors, added, strict=True):
        group.counts = [*counts, extra]
    _refit(new)
    for layer in new.layers:
        if layer.kind == 'conv' and layer.group is not None:
            _mix(new, layer, MIXES[variant])
    return new


def compact_graph(graph: ChannelGraph, survivors: Sequence[Sequence[int]]) -> ChannelGraph:
    """Return the graph with only the surviving neurons, at least 1 in each group."""
    new = copy.deepcopy(graph)
    for group, counts in zip(new.groups, survivors, strict=True):
        group.counts = list(counts)
    _refit(new)
    return new


def split_graph(graph: ChannelGraph, share: float) -> ChannelGraph:
    """Return the graph with each group in two kinds that attend to each other.

    Args:
        graph: Of a network that was not rejuvenated.
        share: Part of the neurons of each group that are of the second kind.
    """
    new = copy.deepcopy(graph)
    for group in new.groups:
        second = int(group.width * share)
        group.counts = [group.width - second, second]
    for layer in new.layers:
        if layer.kind == 'conv' and layer.group is not None:
            _mix(new, layer, 'attention')
    return new


def mixed_layers(graph: ChannelGraph, variant: str) -> list[str]:
    """Return the convolutions that a rejuvenation makes mixed: those between free neurons.

    Args:
        graph: The network's graph before it.
        variant: A key of :data:`MIXES`.

    Returns:
        Names of the layers that are not dense if half of each layer's neurons survive.
    """
    half = [[max(1, count // 2) for count in group.counts] for group in graph.groups]
    added = [group.width for group in graph.groups]
    new = expand_graph(graph, survivors=half, added=added, variant=variant)
    return [layer.name for layer in new.layers if layer.mix != 'dense']


def _refit(graph: ChannelGraph) -> None:
    for layer in graph.layers:
        for segment in layer.inputs:
            if segment.group is not None:
                segment.channels = graph.groups[segment.group].width
        if layer.group is not None:
            layer.out_channels = graph.groups[layer.group].width


def _mix(graph: ChannelGraph, layer: GraphLayer, mix: str) -> None:
    """Say who reads whom in a layer that has just got one generation more."""
    counts = [group.counts for group in graph.groups]
    generations = len(counts[layer.group or 0])
    fixed, split = input_counts(layer, counts, generations)
    before = layer.reads or [list(range(generations - 1))] * (generations - 1)
    # Neurons without inputs of their own generation read all others, as those of the first
    # convolution read the image.
    latest = [generations - 1] if split[-1] else list(range(generations))
    reads = [*before, latest]
    if mix == 'removed':
        outs = counts[layer.group or 0]
        needed = fixed + sum(split)
        whole = all(
            fixed + sum(split[g] for g in read) == needed
            for read, out in zip(reads, outs, strict=True)
            if out
        )
        layer.reads = reads
        layer.mix = 'dense' if whole else 'removed'
    elif mix == 'attention':
        layer.mix = 'attention' if any(split[1:]) else 'dense'


def search_widths(
    graph: ChannelGraph,
    survivors: Sequence[Sequence[int]],
    budget: float,
    *,
    resource: str = 'params',
    variant: str = 'NR',
) -> tuple[float, list[int]]:
    """Find the largest ``alpha`` for which ``alpha * w'`` neurons per layer fit the budget.

    All groups are expanded linearly with the same rate (5.3.2.1). Widths are integers, so that
    they are rounded down, and what is left of the budget goes to the layers with the largest
    remainders, one neuron each.

    Args:
        graph: The network's graph before the rejuvenation.
        survivors: Surviving neurons of each generation in each group.
        budget: Largest cost of the convolutions, in the unit of ``resource``; connections that
            the variant removes cost nothing.
        resource: ``'params'`` or ``'flops'``.
        variant: A key of :data:`MIXES`.

    Returns:
        ``alpha`` and the number of neurons ``w''`` of each group, at least the surviving ones
        and at least 1.

    Raises:
        UserError: the surviving neurons alone cost more than the budget.
    """
    least_widths = [sum(counts) for counts in survivors]  # w'

    def spend(widths: Sequence[int]) -> int:
        added = [width - w for width, w in zip(widths, least_widths, strict=True)]
        new = expand_graph(graph, survivors=survivors, added=added, variant=variant)
        return cost(new, resource)

    def widths_at(rate: float) -> list[int]:
        return [max(w, int(rate * w + 1e-9), 1) for w in least_widths]

    least = spend(widths_at(1.0))
    if least > budget:
        raise UserError(
            f'the living neurons cost {least:,} {resource}, more than the target of '
            f'{budget:,.0f}: rejuvenate at a lower threshold, or raise target'
        )
    low, high = 1.0, 2.0
    while spend(widths_at(high)) <= budget:
        low, high = high, 2 * high
        if high > 1e6:  # nothing survived that could grow
            return 1.0, widths_at(1.0)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if spend(widths_at(middle)) <= budget else (low, middle)
    return low, _fill_up(widths_at(low), least_widths, low, lambda w: spend(w) <= budget)


def _fill_up(
    widths: list[int],
    least_widths: Sequence[int],
    rate: float,
    fits: Callable[[Sequence[int]], bool],
) -> list[int]:
    """Give one neuron each to the groups with the largest remainders, as far as it fits."""
    remainders = [rate * w - width for w, width in zip(least_widths, widths, strict=True)]
    for index in sorted(range(len(widths)), key=lambda i: -remainders[i]):
        if least_widths[index] == 0:
            continue
        widths[index] += 1
        if not fits(widths):
            widths[index] -= 1
    return widths
