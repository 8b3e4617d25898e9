"""Find the channel graph of a network with Torch-Pruning, and check it numerically."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch_pruning as tp
from mmengine.model import BaseModel, revert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch_pruning.ops import OPTYPE

from mmvisx.utils.errors import UserError

from .neural_rejuvenation_check import check_groups
from .neural_rejuvenation_graph import ChannelGraph, ChannelGroup, GraphLayer, Segment

__all__ = ['Forward', 'build_channel_graph', 'default_forward']

Forward = Callable[[nn.Module, Tensor], Any]

# Subclasses of nn.Conv2d may do anything with their weight; those of mmcv only allow for empty
# inputs.
PLAIN = {
    ('torch.nn.modules.conv', 'Conv2d'),
    ('torch.nn.modules.linear', 'Linear'),
    ('mmcv.cnn.bricks.wrappers', 'Conv2d'),
    ('mmcv.cnn.bricks.wrappers', 'Linear'),
}
ADDED = 'added to a residual stream, or tied to other layers'


@dataclass
class _Trace:
    """What a forward pass shows of the modules."""

    order: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    pixels: dict[str, int] = field(default_factory=dict)
    children: list[Tensor] = field(default_factory=list)


@dataclass
class _Candidate:
    """The neurons of a convolution, before it is known whether they are free."""

    conv: str
    norms: list[str]
    depthwise: list[str]
    columns: dict[str, tuple[list[int], list[int]]]  # reader -> input positions, their neurons
    tied: list[str]
    reason: str = ''


def default_forward(model: nn.Module, inputs: Tensor) -> Any:
    """Run a network on prepared images ``(N, C, H, W)`` as far as that needs no annotations.

    A model of OpenMMLab is run in mode ``'tensor'``. Where that needs proposals (two-stage
    detectors), it is run up to the end of the neck.
    """
    if not isinstance(model, BaseModel):
        return model(inputs)
    if hasattr(model, 'roi_head'):
        return model.extract_feat(inputs)
    return model(inputs, None, mode='tensor')


def build_channel_graph(
    model: nn.Module, example_inputs: Tensor, forward: Forward = default_forward
) -> ChannelGraph:
    """Find which batch normalisation scales which convolution's outputs, and who reads them.

    Torch-Pruning follows the channels through additions, concatenations, depthwise
    convolutions and flattened maps. What it does not know it takes for an element-wise
    operation, so its result is checked (:func:`check_groups`): on a copy of the network in
    double precision, the output must not depend on a neuron but through the weights that are
    said to read it. A neuron is free if

    - its convolution is an ``nn.Conv2d`` with one group and is followed by a batch
      normalisation with a trained scale and nothing else,
    - its output is not added to a residual stream, is no output of the network, and the
      convolution is not the stem that the stream starts with,
    - all that reads it is an ``nn.Conv2d`` or ``nn.Linear``; depthwise convolutions with their
      batch normalisation in between belong to the neuron.

    All other neurons are fixed alive (:attr:`ChannelGraph.fixed` says why).

    Args:
        model: A network, which is not changed; its mode does not matter.
        example_inputs: Images ``(N, C, H, W)`` as the network gets them, N at least 2; the
            numbers of pixels are counted with it. The values do not matter.
        forward: How to run the network on them; all tensors it returns count as outputs.

    Raises:
        UserError: no neuron is free, or the network does not run.
    """
    twin = _prepare(model)
    inputs = example_inputs.detach().to(next(twin.parameters()).device, torch.float64)
    if inputs.size(0) < 2:
        inputs = torch.cat([inputs, inputs.flip(-1)])
    graph = tp.DependencyGraph()
    trace, handles = _observe(twin)
    try:
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            graph.build_dependency(
                twin, inputs, forward_fn=lambda m, x: _outputs(m, x, forward, trace), verbose=False
            )
    except Exception as error:
        raise UserError(
            f'neural rejuvenation could not run {type(model).__name__} on images '
            f'{tuple(inputs.shape)}: {type(error).__name__}: {error}'
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    candidates = _candidates(twin, graph, trace, model)
    found = _assemble(twin, trace, candidates, tuple(example_inputs.shape[1:]))
    if found.groups:
        twin.requires_grad_(False)
        found = _without(found, check_groups(twin, found, lambda: forward(twin, inputs)))
    if not found.groups:
        lines = [f'{name}: {reason}' for name, reason in list(found.fixed.items())[:5]]
        raise UserError(
            f'neural rejuvenation finds no neuron in {type(model).__name__} that may die: it needs '
            'convolutions followed by a batch normalisation whose outputs only convolutions and '
            'linear layers read. ' + ('; '.join(lines) or 'There is no convolution at all')
        )
    _mark_bridged(found)
    return found


def _prepare(model: nn.Module) -> nn.Module:
    twin: nn.Module = revert_sync_batchnorm(copy.deepcopy(model)).double()
    for module in twin.modules():
        if getattr(module, 'with_cp', False):
            module.with_cp = False  # checkpointed activations have no graph
    # Frozen layers would leave gaps in the graph of gradients.
    for parameter in twin.parameters():
        parameter.requires_grad_(True)
    return twin


def _observe(twin: nn.Module) -> tuple[_Trace, list[Any]]:
    trace = _Trace()

    def record(name: str) -> Callable:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            trace.order += [name] * (name not in trace.calls)
            trace.calls[name] = trace.calls.get(name, 0) + 1
            if isinstance(output, Tensor) and output.dim() == 4:
                pixels = output.size(2) * output.size(3)
                trace.pixels[name] = trace.pixels.get(name, 0) + pixels

        return hook

    def keep(module: nn.Module, args: Any, output: Any) -> None:
        trace.children += list(_tensors(output))

    handles = [
        module.register_forward_hook(record(name))
        for name, module in twin.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear | _BatchNorm)
    ]
    handles += [child.register_forward_hook(keep) for child in twin.children()]
    return trace, handles


def _outputs(twin: nn.Module, inputs: Tensor, forward: Forward, trace: _Trace) -> list[Tensor]:
    outputs = list(_tensors(forward(twin, inputs)))
    layers = [
        name for name, m in twin.named_modules() if isinstance(m, nn.Conv2d | nn.Linear | _BatchNorm)
    ]
    if any(name not in trace.calls for name in layers):
        # Something that did not run, as an auxiliary head, may read what the parts return.
        outputs += trace.children
    # Torch-Pruning only sees an output behind an operation that is no module.
    return [output * 1.0 for output in outputs if output.requires_grad]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _plain(module: nn.Module) -> bool:
    return (type(module).__module__, type(module).__name__) in PLAIN


def _candidates(
    twin: nn.Module, graph: Any, trace: _Trace, model: nn.Module
) -> dict[str, _Candidate]:
    names = {module: name for name, module in twin.named_modules()}
    found: dict[str, _Candidate] = {}
    tied_to: dict[str, list[str]] = {}
    for name in trace.order:
        conv = twin.get_submodule(name)
        if not isinstance(conv, nn.Conv2d) or _is_depthwise(conv):
            continue
        if conv not in graph.module2node:
            found[name] = _Candidate(name, [], [], {}, [], 'not reached from the outputs')
            continue
        if name in tied_to:  # its channels are known from another one's
            found[name] = _Candidate(name, [], [], {}, tied_to[name], ADDED)
            continue
        pruner = graph.get_pruner_of_module(conv)
        group = graph.get_pruning_group(
            conv, pruner.prune_out_channels, list(range(conv.out_channels))
        )
        candidate = _read_group(group, graph, conv, name, names)
        candidate.reason = candidate.reason or _own_reason(name, conv, candidate, trace, model)
        for other in candidate.tied:
            tied_to[other] = [name, *(o for o in candidate.tied if o != other)]
        found[name] = candidate
    streams = {name for name, c in found.items() if c.tied}
    for candidate in found.values():
        node = graph.module2node.get(twin.get_submodule(candidate.conv))
        if candidate.reason or node is None or not streams:
            continue
        if not node.inputs:
            candidate.reason = 'the stem'
        elif len(candidate.columns) > 1 and streams.intersection(candidate.columns):
            candidate.reason = 'the start of a residual stream'
    return found


def _is_depthwise(conv: nn.Conv2d) -> bool:
    return conv.groups == conv.in_channels == conv.out_channels and conv.groups > 1


def _read_group(
    group: Any, graph: Any, conv: nn.Conv2d, name: str, names: dict[nn.Module, str]
) -> _Candidate:
    result = _Candidate(name, [], [], {}, [])
    node = graph.module2node[conv]
    allowed_norms = []
    for item in group:
        module, kind = item.dep.target.module, item.dep.target.type
        if module is conv and graph.is_out_channel_pruning_fn(item.dep.handler):
            allowed_norms += node.outputs
        elif isinstance(module, nn.Conv2d) and _is_depthwise(module):
            if names[module] not in result.depthwise:
                result.depthwise.append(names[module])
                allowed_norms += graph.module2node[module].outputs
            if not _plain(module):
                result.reason = f'read by {names[module]}, a {type(module).__name__}'
        elif isinstance(module, nn.Conv2d | nn.Linear):
            if graph.is_out_channel_pruning_fn(item.dep.handler):
                result.tied.append(names[module])
                result.reason = ADDED
            else:
                result.columns[names[module]] = (item.idxs, item.root_idxs)
                grouped = isinstance(module, nn.Conv2d) and module.groups > 1
                if grouped or not _plain(module):
                    what = 'grouped' if grouped else type(module).__name__
                    result.reason = result.reason or f'read by {names[module]} ({what})'
        elif isinstance(module, _BatchNorm):
            result.norms.append(names[module])
        elif kind == OPTYPE.OUTPUT:
            result.reason = result.reason or 'an output of the network'
        elif kind not in (
            OPTYPE.ELEMENTWISE,
            OPTYPE.CONCAT,
            OPTYPE.RESHAPE,
            OPTYPE.SLICE,
            OPTYPE.SPLIT,
        ):
            result.reason = result.reason or f'read by {names.get(module, module)}'
    direct = [names.get(n.module) for n in allowed_norms]
    if len(allowed_norms) != 1 + len(result.depthwise) or set(direct) != set(result.norms):
        result.reason = result.reason or 'not followed by a batch normalisation of its own'
    return result


def _own_reason(
    name: str, conv: nn.Conv2d, candidate: _Candidate, trace: _Trace, model: nn.Module
) -> str:
    parts = [name, *candidate.depthwise, *candidate.norms, *candidate.columns]
    if not _plain(conv):
        return f'a {type(conv).__name__}'
    if conv.groups > 1:
        return f'a convolution of {conv.groups} groups'
    again = [part for part in parts if trace.calls.get(part, 0) > 1]
    if again:
        return f'{again[0]} is called more than once'
    for norm in candidate.norms:
        scale = getattr(model.get_submodule(norm), 'weight', None)
        if scale is None or not scale.requires_grad:
            return f'the scale of {norm} is not trained'
    return ''


def _assemble(
    twin: nn.Module,
    trace: _Trace,
    candidates: dict[str, _Candidate],
    input_shape: tuple[int, ...],
) -> ChannelGraph:
    fixed = {name: c.reason for name, c in candidates.items() if c.reason}
    readers: dict[str, dict[int, tuple[str, int]]] = {}
    for name, candidate in candidates.items():
        if name in fixed:
            continue
        order = trace.order.index
        candidate.norms.sort(key=order)
        candidate.depthwise.sort(key=order)
        for reader, (positions, neurons) in candidate.columns.items():
            channels = readers.setdefault(reader, {})
            channels.update({p: (name, n) for p, n in zip(positions, neurons, strict=True)})
    segments = _consistent_segments(twin, readers, fixed)
    index: dict[str, int] = {}
    groups = []
    for name, candidate in candidates.items():
        if name in fixed:
            continue
        for conv in (name, *candidate.depthwise):
            index[conv] = len(groups)
        scales = [
            float(twin.get_submodule(norm).weight.detach().abs().mean()) for norm in candidate.norms
        ]
        width = twin.get_submodule(name).out_channels
        groups.append(
            ChannelGroup([name, *candidate.depthwise], candidate.norms, [width], scales)
        )
    layers = []
    for name in [
        *trace.order,
        *(n for n, m in twin.named_modules() if isinstance(m, nn.Conv2d) and n not in trace.calls),
    ]:
        module = twin.get_submodule(name)
        if isinstance(module, _BatchNorm):
            continue
        pixels = trace.pixels.get(name, 0)
        layers.append(_layer(name, module, index, segments.get(name), pixels))
    # A stream lives on without a branch if it starts with what is always alive.
    alive = {la.name for la in layers if all(s.group is None for s in la.inputs)}
    for layer in layers:
        if layer.name in candidates:
            tied = set(candidates[layer.name].tied) - {layer.name}
            layer.residual = not alive.isdisjoint(tied)
    return ChannelGraph(layers, groups, fixed, input_shape)


def _layer(
    name: str,
    module: nn.Module,
    index: dict[str, int],
    segments: list[tuple[str | None, int, int]] | None,
    pixels: int,
) -> GraphLayer:
    group = index.get(name)
    if isinstance(module, nn.Linear):
        layer = GraphLayer(
            name, 'linear', [Segment(module.in_features)], module.out_features, pixels=0
        )
    else:
        assert isinstance(module, nn.Conv2d)
        kind = 'conv'
        area = module.kernel_size[0] * module.kernel_size[1]
        inputs = [Segment(module.in_channels)]
        if group is not None and _is_depthwise(module):
            kind, inputs = 'depthwise', [Segment(module.in_channels, group)]
        elif module.groups > 1 or not _plain(module):
            kind = 'other'
            # What is left as it is counts with all its weights.
            inputs = [Segment(module.in_channels // module.groups)]
        layer = GraphLayer(name, kind, inputs, module.out_channels, group, area, pixels)
    if segments and layer.kind in ('conv', 'linear'):
        layer.inputs = [
            Segment(channels, None if owner is None else index[owner], repeat)
            for owner, channels, repeat in segments
        ]
    return layer


def _consistent_segments(
    twin: nn.Module, readers: dict[str, dict[int, tuple[str, int]]], fixed: dict[str, str]
) -> dict[str, list[tuple[str | None, int, int]]]:
    """Inputs of each reader as (convolution or None, channels, features per channel).

    Whose channels arrive in another order or in part becomes fixed, in ``fixed``.
    """
    while True:
        result = {}
        broken: dict[str, str] = {}
        for reader, channels in readers.items():
            module = twin.get_submodule(reader)
            total = module.in_features if isinstance(module, nn.Linear) else module.in_channels
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
) -> list[tuple[str | None, int, int]]:
    runs: list[tuple[str | None, int, int]] = []
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
        width = twin.get_submodule(owner).out_channels
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


def _without(graph: ChannelGraph, failed: dict[int, str]) -> ChannelGraph:
    """The graph with some groups fixed."""
    if not failed:
        return graph
    kept = [i for i in range(len(graph.groups)) if i not in failed]
    new = {old: index for index, old in enumerate(kept)}
    for index, reason in failed.items():
        graph.fixed[graph.groups[index].name] = reason
    for layer in graph.layers:
        for segment in layer.inputs:
            segment.group = new.get(segment.group) if segment.group is not None else None
        layer.group = new.get(layer.group) if layer.group is not None else None
        if layer.kind == 'depthwise' and layer.group is None:
            layer.kind, layer.inputs = 'other', [Segment(1)]
    graph.groups = [graph.groups[index] for index in kept]
    return graph


def _mark_bridged(graph: ChannelGraph) -> None:
    for index in reversed(range(len(graph.groups))):  # readers come later
        readers = graph.readers(index)
        graph.groups[index].bridged = bool(readers) and all(
            graph.groups[reader.group].bridged if reader.group is not None else reader.residual
            for reader in readers
        )
