"""Find the channel graph of a network with Torch-Pruning, and check it numerically."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch_pruning as tp
from mmengine.model import BaseModel, revert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.utils.errors import UserError

from .assemble import Candidate, Trace, assemble, fix_groups, is_depthwise
from .check import check_groups
from .graph import ChannelGraph
from .reasons import ADDED, GATED, Own, coupled_reason, own_reason, read_coupled

__all__ = ['Forward', 'build_channel_graph', 'default_forward']

Forward = Callable[[nn.Module, Tensor], Any]


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

    All other neurons are fixed alive (:attr:`ChannelGraph.fixed` says why). So are those in front
    of a grouped convolution that is not depthwise (ResNeXt, RegNet, ShuffleNetV1) and those of
    branches that are added up (RepVGG), which leaves no free neuron in these networks, and those
    that a gate scales (squeeze-and-excitation), which leaves few in EfficientNet and MobileNetV3.

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
    found = assemble(twin, trace, candidates, tuple(example_inputs.shape[1:]))
    if found.groups:
        twin.requires_grad_(False)
        found = fix_groups(found, check_groups(twin, found, lambda: forward(twin, inputs)))
    if not found.groups:
        raise UserError(_nothing_free(type(model).__name__, found, twin, trace))
    _mark_bridged(found)
    return found


def _nothing_free(name: str, graph: ChannelGraph, twin: nn.Module, trace: Trace) -> str:
    lines = [f'{conv}: {reason}' for conv, reason in list(graph.fixed.items())[:5]]
    idle = _idle(twin, trace)
    if idle:
        lines.append(f'{idle[0]} did not run, and may read what the other parts give')
    return (
        f'neural rejuvenation finds no neuron in {name} that may die: it needs convolutions '
        'followed by a batch normalisation whose outputs only convolutions and linear layers '
        f'read. {"; ".join(lines) or "There is no convolution at all"}'
    )


def _idle(twin: nn.Module, trace: Trace) -> list[str]:
    """Names of layers that did not run."""
    kinds = nn.Conv2d | nn.Linear | _BatchNorm
    layers = [name for name, module in twin.named_modules() if isinstance(module, kinds)]
    return [name for name in layers if name not in trace.calls]


def _prepare(model: nn.Module) -> nn.Module:
    twin: nn.Module = revert_sync_batchnorm(copy.deepcopy(model)).double()
    for module in twin.modules():
        if getattr(module, 'with_cp', False):
            # Checkpointed activations have no graph.
            module.with_cp = False  # type: ignore[assignment]
    return twin


def _observe(twin: nn.Module) -> tuple[Trace, list[Any]]:
    trace = Trace()

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


def _outputs(twin: nn.Module, inputs: Tensor, forward: Forward, trace: Trace) -> list[Tensor]:
    # Frozen layers would leave gaps in the graph of gradients. Not earlier, as a backbone freezes
    # its stages whenever the mode is set.
    twin.requires_grad_(True)
    outputs = list(_tensors(forward(twin, inputs)))
    layers = [
        name
        for name, m in twin.named_modules()
        if isinstance(m, nn.Conv2d | nn.Linear | _BatchNorm)
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


def _candidates(
    twin: nn.Module, graph: Any, trace: Trace, model: nn.Module
) -> dict[str, Candidate]:
    """Return the neurons of every convolution that ran, with a reason where they are fixed.

    Args:
        twin: The network that was traced.
        graph: What Torch-Pruning found of it.
        trace: What ran.
        model: The network itself, whose scales are trained or not.
    """
    names = {module: name for name, module in twin.named_modules()}
    found: dict[str, Candidate] = {}
    tied_to: dict[str, list[str]] = {}
    for name in trace.order:
        conv = twin.get_submodule(name)
        if not isinstance(conv, nn.Conv2d) or is_depthwise(conv):
            continue
        if conv not in graph.module2node:
            found[name] = Candidate(name, reason='not reached from the outputs')
        elif name in tied_to:  # its channels are known from another one's
            first = found[tied_to[name][0]]
            reason = GATED if first.reason == GATED else ADDED
            found[name] = Candidate(name, tied=tied_to[name], reason=reason)
        else:
            found[name] = candidate = _candidate(conv, graph, names, trace, model)
            for other in candidate.tied:
                tied_to[other] = [name, *(o for o in candidate.tied if o != other)]
    _fix_stream_starts(twin, graph, found)
    return found


def _candidate(
    conv: nn.Conv2d, graph: Any, names: dict[nn.Module, str], trace: Trace, model: nn.Module
) -> Candidate:
    """Read what Torch-Pruning couples the outputs of a convolution with."""
    prune = graph.get_pruner_of_module(conv).prune_out_channels
    items = graph.get_pruning_group(conv, prune, list(range(conv.out_channels)))
    parts = list(read_coupled(items, graph, conv, names))
    by_role = {
        role: [part for part in parts if part.role == role]
        for role in ('self', 'depthwise', 'norm', 'reader', 'tied')
    }
    depthwise = list(dict.fromkeys(part.module for part in by_role['depthwise']))
    candidate = Candidate(
        names[conv],
        norms=[part.name for part in by_role['norm']],
        depthwise=[names[module] for module in depthwise],
        columns={part.name: part.columns for part in by_role['reader']},
        tied=[part.name for part in by_role['tied']],
    )
    sources = [*(part.module for part in by_role['self']), *depthwise]
    nodes = [node for source in sources for node in graph.module2node[source].outputs]
    own = Own(candidate, conv, [names.get(node.module) for node in nodes], trace, model)
    candidate.reason = coupled_reason(parts, conv) or own_reason(own)
    return candidate


def _fix_stream_starts(twin: nn.Module, graph: Any, found: dict[str, Candidate]) -> None:
    """Fix the neurons of the stem and of what else starts a residual stream, in place."""
    streams = {name for name, c in found.items() if c.tied}
    for candidate in found.values():
        node = graph.module2node.get(twin.get_submodule(candidate.conv))
        if candidate.reason or node is None or not streams:
            continue
        if not node.inputs:
            candidate.reason = 'the stem'
        elif len(candidate.columns) > 1 and streams.intersection(candidate.columns):
            candidate.reason = 'the start of a residual stream'


def _mark_bridged(graph: ChannelGraph) -> None:
    for index in reversed(range(len(graph.groups))):  # readers come later
        readers = graph.readers(index)
        graph.groups[index].bridged = bool(readers) and all(
            graph.groups[reader.group].bridged if reader.group is not None else reader.residual
            for reader in readers
        )
