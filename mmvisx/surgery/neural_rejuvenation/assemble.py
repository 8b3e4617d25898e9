"""Lay a channel graph together from what Torch-Pruning found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .graph import ChannelGraph, ChannelGroup, GraphLayer, Segment, get_norm

__all__ = ['Candidate', 'Trace', 'assemble', 'fix_groups', 'is_depthwise', 'is_plain']

# A segment whose group has no number yet: convolution or None, channels, features per channel.
Run = tuple[str | None, int, int]

# Subclasses of nn.Conv2d may do anything with their weight; those of mmcv only allow for empty
# inputs.
PLAIN = {
    ('torch.nn.modules.conv', 'Conv2d'),
    ('torch.nn.modules.linear', 'Linear'),
    ('mmcv.cnn.bricks.wrappers', 'Conv2d'),
    ('mmcv.cnn.bricks.wrappers', 'Linear'),
}


@dataclass
class Trace:
    """What a forward pass shows of the modules."""

    order: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    pixels: dict[str, int] = field(default_factory=dict)
    children: list[Tensor] = field(default_factory=list)


@dataclass
class Candidate:
    """The neurons of a convolution, before it is known whether they are free.

    Args:
        conv: Name of the convolution.
        norms: Of the batch normalisations behind it and behind ``depthwise``.
        depthwise: Of the depthwise convolutions that follow it.
        columns: By reader the input positions that the neurons take, and which neurons those are.
        tied: Names of the layers whose outputs its own are added to or multiplied with.
        reason: Why the neurons are fixed; empty: they may be free.
    """

    conv: str
    norms: list[str] = field(default_factory=list)
    depthwise: list[str] = field(default_factory=list)
    columns: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)
    tied: list[str] = field(default_factory=list)
    reason: str = ''


def is_plain(module: nn.Module) -> bool:
    """Whether a layer does nothing with its weight but what PyTorch's own does."""
    return (type(module).__module__, type(module).__name__) in PLAIN


def is_depthwise(conv: nn.Conv2d) -> bool:
    """Whether each output has one input of its own."""
    return conv.groups == conv.in_channels == conv.out_channels and conv.groups > 1


def _width(twin: nn.Module, name: str) -> int:
    conv = twin.get_submodule(name)
    assert isinstance(conv, nn.Conv2d)
    return conv.out_channels


def _inputs(twin: nn.Module, name: str) -> int:
    layer = twin.get_submodule(name)
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


def assemble(
    twin: nn.Module,
    trace: Trace,
    candidates: dict[str, Candidate],
    input_shape: tuple[int, ...],
) -> ChannelGraph:
    """Build the graph of the candidates that have no reason to be fixed.

    Args:
        twin: The network that was traced.
        trace: What ran.
        candidates: By the name of the convolution.
        input_shape: ``(C, H, W)`` of the images it ran on.
    """
    fixed = {name: c.reason for name, c in candidates.items() if c.reason}
    free = [candidate for name, candidate in candidates.items() if name not in fixed]
    for candidate in free:
        candidate.norms.sort(key=trace.order.index)
        candidate.depthwise.sort(key=trace.order.index)
    segments = _consistent_segments(twin, _readers(free), fixed)
    free = [candidate for candidate in free if candidate.conv not in fixed]
    groups = [_group(twin, candidate) for candidate in free]
    index = {conv: number for number, group in enumerate(groups) for conv in group.convs}
    layers = [
        _layer(
            name,
            twin.get_submodule(name),
            index,
            segments=segments.get(name),
            pixels=trace.pixels.get(name, 0),
        )
        for name in _layer_names(twin, trace)
    ]
    _mark_residual(layers, candidates)
    return ChannelGraph(layers, groups, fixed=fixed, input_shape=input_shape)


def _readers(free: Sequence[Candidate]) -> dict[str, dict[int, tuple[str, int]]]:
    """Return by reader and input position whose channel arrives there, and which."""
    readers: dict[str, dict[int, tuple[str, int]]] = {}
    for candidate in free:
        for reader, (positions, neurons) in candidate.columns.items():
            channels = readers.setdefault(reader, {})
            pairs = zip(positions, neurons, strict=True)
            channels.update({position: (candidate.conv, neuron) for position, neuron in pairs})
    return readers


def _group(twin: nn.Module, candidate: Candidate) -> ChannelGroup:
    scales = [get_norm(twin, norm).weight.detach().abs().mean() for norm in candidate.norms]
    return ChannelGroup(
        [candidate.conv, *candidate.depthwise],
        norms=candidate.norms,
        counts=[_width(twin, candidate.conv)],
        initial_scale=[float(scale) for scale in scales],
    )


def _layer_names(twin: nn.Module, trace: Trace) -> list[str]:
    """Return convolutions and linear layers as they ran, then the convolutions that did not."""
    ran = [n for n in trace.order if not isinstance(twin.get_submodule(n), _BatchNorm)]
    convs = [name for name, m in twin.named_modules() if isinstance(m, nn.Conv2d)]
    return [*ran, *(name for name in convs if name not in trace.calls)]


def _mark_residual(layers: Sequence[GraphLayer], candidates: Mapping[str, Candidate]) -> None:
    """Mark the layers that add to a stream which lives on without them, in place."""
    # It does if it starts with what reads no neuron that may die.
    fed = {layer.name for layer in layers if all(s.group is None for s in layer.inputs)}
    for layer in layers:
        if layer.name in candidates:
            tied = set(candidates[layer.name].tied) - {layer.name}
            layer.residual = not fed.isdisjoint(tied)


def _layer(
    name: str,
    module: nn.Module,
    index: dict[str, int],
    *,
    segments: list[Run] | None,
    pixels: int,
) -> GraphLayer:
    group = index.get(name)
    if isinstance(module, nn.Linear):
        inputs = [Segment(module.in_features)]
        layer = GraphLayer(
            name, 'linear', inputs=inputs, out_channels=module.out_features, pixels=0
        )
    else:
        assert isinstance(module, nn.Conv2d)
        kind = 'conv'
        area = module.kernel_size[0] * module.kernel_size[1]
        inputs = [Segment(module.in_channels)]
        if group is not None and is_depthwise(module):
            kind, inputs = 'depthwise', [Segment(module.in_channels, group)]
        elif module.groups > 1 or not is_plain(module):
            kind = 'other'
            # What is left as it is counts with all its weights.
            inputs = [Segment(module.in_channels // module.groups)]
        layer = GraphLayer(
            name,
            kind,
            inputs=inputs,
            out_channels=module.out_channels,
            group=group,
            area=area,
            pixels=pixels,
        )
    if segments and layer.kind in ('conv', 'linear'):
        layer.inputs = [
            Segment(channels, group=None if owner is None else index[owner], repeat=repeat)
            for owner, channels, repeat in segments
        ]
    return layer


def _consistent_segments(
    twin: nn.Module, readers: dict[str, dict[int, tuple[str, int]]], fixed: dict[str, str]
) -> dict[str, list[Run]]:
    """Inputs of each reader as (convolution or None, channels, features per channel).

    Whose channels arrive in another order or in part becomes fixed, in ``fixed``.
    """
    while True:
        result = {}
        broken: dict[str, str] = {}
        for reader, channels in readers.items():
            total = _inputs(twin, reader)
            owners: list[tuple[str | None, int]] = [(None, 0)] * total
            for position, (owner, neuron) in channels.items():
                if owner in fixed:
                    continue
                if position >= total:
                    broken[owner] = f'its channels do not fit the inputs of {reader}'
                else:
                    owners[position] = owner, neuron
            result[reader] = _runs(twin, owners, broken, reader)
        if not broken:
            return result
        fixed.update(broken)


def _runs(
    twin: nn.Module,
    owners: list[tuple[str | None, int]],
    broken: dict[str, str],
    reader: str,
) -> list[Run]:
    runs: list[Run] = []
    start = 0
    while start < len(owners):
        owner = owners[start][0]
        if owner is None:
            stop = start
            while stop < len(owners) and owners[stop][0] is None:
                stop += 1
            runs.append((None, stop - start, 1))
            start = stop
            continue
        width = _width(twin, owner)
        repeat = 0
        while start + repeat < len(owners) and owners[start + repeat] == (owner, 0):
            repeat += 1
        expected = [(owner, neuron) for neuron in range(width) for _ in range(repeat)]
        stop = start + width * repeat
        if repeat == 0 or owners[start:stop] != expected:
            broken[owner] = f'its channels reach {reader} in another order or in part'
            return runs
        runs.append((owner, width, repeat))
        start = stop
    return runs


def fix_groups(graph: ChannelGraph, failed: dict[int, str]) -> ChannelGraph:
    """Return the graph with the neurons of some groups fixed alive, for the given reasons."""
    if not failed:
        return graph
    free = [i for i in range(len(graph.groups)) if i not in failed]
    new = {old: index for index, old in enumerate(free)}
    for index, reason in failed.items():
        graph.fixed[graph.groups[index].name] = reason
    for layer in graph.layers:
        for segment in layer.inputs:
            segment.group = new.get(segment.group) if segment.group is not None else None
        layer.group = new.get(layer.group) if layer.group is not None else None
        if layer.kind == 'depthwise' and layer.group is None:
            layer.kind, layer.inputs = 'other', [Segment(1)]
    graph.groups = [graph.groups[index] for index in free]
    return graph
