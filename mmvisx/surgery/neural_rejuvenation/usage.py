"""Which neurons are alive, and what share of a network's cost they use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmvisx.utils.errors import UserError

from .graph import ChannelGraph, GraphLayer, get_norm

__all__ = [
    'Utilization',
    'alive_neurons',
    'cost',
    'input_counts',
    'least_utilization',
    'utilization',
]

DEAD = 0.01  # of the layer's largest scale (5.3.1.1)
DEAD_LAYER = 1e-3  # largest scale of a layer that is dead as a whole
RESOURCES = ('params', 'flops')


@dataclass
class Utilization:
    """What part of the network's resource the living neurons use.

    Args:
        ratio: ``U / c``, from 0 to 1.
        used: Effective cost U of the living neurons, in weights or multiply-adds.
        total: Cost c of all neurons.
        alive: For each group which neurons live, on the CPU.
        rescued: Layers that would be dead as a whole but must not be: their strongest neuron
            stays alive.

    Source: 001, 5.3.1.2.
    """

    ratio: float
    used: int
    total: int
    alive: list[Tensor]
    rescued: list[str]


def check_resource(resource: str) -> None:
    """Refuse an unknown unit.

    Raises:
        UserError: it is neither ``'params'`` nor ``'flops'``.
    """
    if resource not in RESOURCES:
        raise UserError(f"resource={resource!r} is not 'params' or 'flops'")


def input_counts(
    layer: GraphLayer, counts: Sequence[Sequence[int]], generations: int
) -> tuple[int, list[int]]:
    """Count a layer's inputs: those that are fixed alive, and those of each generation."""
    fixed, split = 0, [0] * generations
    for segment in layer.inputs:
        if segment.group is None:
            fixed += segment.features
            continue
        for generation, count in enumerate(counts[segment.group]):
            split[generation] += count * segment.repeat
    return fixed, split


def layer_cost(
    layer: GraphLayer, counts: Sequence[Sequence[int]], *, resource: str, generations: int
) -> int:
    """Cost of one layer, with ``counts`` neurons of each generation in each group."""
    if layer.kind == 'linear':
        return 0
    outs = [layer.out_channels] if layer.group is None else counts[layer.group]
    unit = layer.area * (layer.pixels if resource == 'flops' else 1)
    if layer.kind == 'depthwise':
        return sum(outs) * unit
    fixed, split = input_counts(layer, counts, generations)
    if layer.mix != 'removed':
        return (fixed + sum(split)) * sum(outs) * unit
    return unit * sum(
        out * (fixed + sum(split[g] for g in reads if g < len(split)))
        for out, reads in zip(outs, layer.reads, strict=True)
    )


def cost(graph: ChannelGraph, resource: str, counts: Sequence[Sequence[int]] | None = None) -> int:
    """Weights of all convolutions, or their multiply-adds (5.3.1.2).

    Linear layers, biases and batch normalisations do not count.

    Args:
        resource: ``'params'`` or ``'flops'``.
        counts: Neurons of each generation in each group; by default those of the graph.

    Raises:
        UserError: an unknown resource.
    """
    check_resource(resource)
    if counts is None:
        counts = [group.counts for group in graph.groups]
    generations = max((len(c) for c in counts), default=1)
    return sum(
        layer_cost(layer, counts, resource=resource, generations=generations)
        for layer in graph.layers
    )


def least_utilization(graph: ChannelGraph, resource: str) -> float:
    """Return the smallest utilization ratio that the death of neurons can lead to.

    What is fixed alive stays, and one neuron (of the oldest generation) of each layer without
    which the network's output would be cut off from its input.

    Raises:
        UserError: an unknown resource.
    """
    counts = []
    for group in graph.groups:
        oldest = next(index for index, count in enumerate(group.counts) if count)
        left = [0] * len(group.counts)
        left[oldest] = 0 if group.bridged else 1
        counts.append(left)
    return cost(graph, resource, counts) / cost(graph, resource)


def split_alive(graph: ChannelGraph, alive: Sequence[Tensor]) -> list[list[int]]:
    """Count the living neurons, ``(N,)`` bool a group, of each generation in each group."""
    return [
        [int(part.sum()) for part in mask.split(group.counts)]
        for group, mask in zip(graph.groups, alive, strict=True)
    ]


@torch.no_grad()
def alive_neurons(model: nn.Module, graph: ChannelGraph) -> tuple[list[Tensor], list[str]]:
    """Find the living neurons of every group.

    Dead is a neuron whose scale is below 0.01 of the largest of its layer in absolute value
    (5.3.1.1), a layer whose largest scale is below 0.001, and a layer (or, without cross
    connections, a generation of its neurons) of which no input is alive. Of a neuron with a
    depthwise convolution both scales count: it dies with either.

    Where the network's output would be cut off from its input, the strongest neuron of a
    layer that is dead as a whole stays alive.

    Returns:
        A mask for each group, on the CPU, and the names of the layers that were rescued so.
    """
    scales = _scales(model, graph)
    alive: list[Tensor] = [torch.ones(group.width, dtype=torch.bool) for group in graph.groups]
    rescued = []
    for layer in graph.layers:
        if layer.group is None or layer.kind == 'depthwise':
            continue
        group = graph.groups[layer.group]
        mask = torch.ones(group.width, dtype=torch.bool)
        strength = torch.ones(group.width)
        for scale in scales[layer.group]:
            largest = scale.max()
            mask &= (scale >= DEAD * largest) & (largest >= DEAD_LAYER)
            strength *= scale / largest.clamp(min=torch.finfo(scale.dtype).tiny)
        mask &= _reached(graph, layer, alive)
        if not mask.any() and not group.bridged:
            mask[strength.argmax()] = True
            rescued.append(group.name)
        alive[layer.group] = mask
    return alive, rescued


def _scales(model: nn.Module, graph: ChannelGraph) -> list[list[Tensor]]:
    """Absolute scales of each group, fetched from the device at once."""
    weights = [get_norm(model, n).weight for group in graph.groups for n in group.norms]
    flat = torch.cat([weight.detach().abs().float() for weight in weights]).cpu()
    parts = iter(flat.split([weight.numel() for weight in weights]))
    return [[next(parts) for _ in group.norms] for group in graph.groups]


def _reached(graph: ChannelGraph, layer: GraphLayer, alive: Sequence[Tensor]) -> Tensor:
    """Which outputs of a layer have a living input."""
    outs = graph.groups[layer.group or 0].counts
    generations = max(len(group.counts) for group in graph.groups)
    sources = {segment.group for segment in layer.inputs if segment.group is not None}
    counts: list[list[int]] = [[]] * len(graph.groups)
    for index in sources:
        parts = alive[index].split(graph.groups[index].counts)
        counts[index] = [int(part.sum()) for part in parts]
    fixed, split = input_counts(layer, counts, generations)
    if layer.mix != 'removed':
        reached = [fixed + sum(split) > 0] * len(outs)
    else:
        reached = [fixed + sum(split[g] for g in reads) > 0 for reads in layer.reads]
    return torch.repeat_interleave(torch.tensor(reached), torch.tensor(outs))


def utilization(model: nn.Module, graph: ChannelGraph, resource: str = 'params') -> Utilization:
    """Compute the utilization ratio ``r = U / c`` by passing masks forward (5.3.1.2).

    Raises:
        UserError: an unknown resource.
    """
    alive, rescued = alive_neurons(model, graph)
    used = cost(graph, resource, split_alive(graph, alive))
    total = cost(graph, resource)
    return Utilization(ratio=used / total, used=used, total=total, alive=alive, rescued=rescued)
