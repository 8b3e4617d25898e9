"""Give a network other numbers of channels: survivors first, rejuvenated neurons behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.models.layers.neural_rejuvenation_cross_attention import CrossAttentionConv2d
from mmvisx.models.layers.neural_rejuvenation_cross_removed import CrossRemovedConv2d
from mmvisx.utils.architecture import Change, Part, Transform, gather

from .graph import ChannelGraph, GraphLayer, get_norm, replace_module
from .parts import build_layer, fresh_weight, input_index, weight_parts

__all__ = [
    'Plan',
    'Setter',
    'apply_plan',
    'change_norm',
    'make_plan',
    'new_shape',
    'norm_vectors',
    'put_layer',
    'split_heads',
    'touched',
]

Setter = Callable[[], None]


@dataclass
class Plan:
    """A rejuvenation that can be applied to a network and to its running averages.

    Args:
        old: Graph before.
        new: Graph after.
        keep: For each group the surviving neurons, ascending, in the old order.
        factors: For each group and batch normalisation the rescaling ``s`` of the survivors.
        seed: Of the new weights; None: there are none.
        fresh: The new weights by layer, so that all copies get the same.
    """

    old: ChannelGraph
    new: ChannelGraph
    keep: list[Tensor]
    factors: list[list[Tensor]]
    seed: int | None = 0
    fresh: dict[str, Tensor] = field(default_factory=dict)


@torch.no_grad()
def make_plan(
    model: nn.Module,
    old: ChannelGraph,
    new: ChannelGraph,
    alive: Sequence[Tensor],
    rescale: bool = False,
    seed: int | None = 0,
) -> Plan:
    """Decide what happens to every neuron; the network is not changed.

    With ``rescale`` the scale of survivors becomes ``max(|gamma|, gamma_0)`` with its sign
    (5.3.2.3), where ``gamma_0`` is what the layer started with. The shift is multiplied by the
    same ``s`` and the weights that read the neuron are divided by it, so that the function is
    kept, if the activation in between allows that (:attr:`ChannelGroup.homogeneous`). A scale
    of exactly 0 stays, as its neuron is a constant.

    Args:
        model: The network before.
        old: Its graph.
        new: Its graph after the rejuvenation.
        alive: For each group which neurons survive.
        rescale: Rescale survivors (BR).
        seed: Of the new weights; None: there are none.
    """
    keep = [mask.nonzero()[:, 0] for mask in alive]
    factors = []
    for group, kept in zip(old.groups, keep, strict=True):
        row = []
        for name, initial in zip(group.norms, group.initial_scale, strict=True):
            scale = get_norm(model, name).weight.detach().double().cpu().abs()[kept]
            grown = scale.clamp(min=initial)
            factor = torch.where(scale > 0, grown / scale.clamp(min=1e-12), 1.0)
            usable = rescale and group.homogeneous
            row.append(factor if usable else torch.ones_like(factor))
        factors.append(row)
    return Plan(old, new, keep, factors, seed)


@torch.no_grad()
def apply_plan(plan: Plan, model: nn.Module) -> list[Change]:
    """Rebuild a network in place; all is computed before anything is changed.

    Args:
        plan: Made from this network or from the one it is the running average of.
        model: The network.

    Returns:
        Which parameters took which place, for :func:`update_optimizer`.
    """
    setters: list[Setter] = []
    changes: list[Change] = []
    if plan.seed is not None and not plan.fresh:
        generator = torch.Generator().manual_seed(plan.seed)
        for layer in plan.new.layers:
            if touched(layer):
                shape = new_shape(layer, model.get_submodule(layer.name))
                plan.fresh[layer.name] = fresh_weight(plan.new, layer, shape, generator)
    for before, after in zip(plan.old.layers, plan.new.layers, strict=True):
        if touched(after):
            _plan_layer(plan, model, before, after, setters, changes)
    for index in range(len(plan.new.groups)):
        _plan_norms(plan, model, index, setters, changes)
    for setter in setters:
        setter()
    split_heads(model, plan.new)
    return changes


def split_heads(model: nn.Module, graph: ChannelGraph) -> None:
    """Tell classifiers which of their features are rejuvenated neurons, if the graph says so."""
    latest = max((len(group.counts) for group in graph.groups), default=1) - 1
    if not graph.two_heads or latest == 0:
        return
    for layer in graph.layers:
        head: Any = model.get_submodule(layer.name.rpartition('.')[0])
        if layer.kind == 'linear' and hasattr(head, 'split_features'):
            head.split_features(input_index(graph, layer, [latest]))


def touched(layer: GraphLayer) -> bool:
    """Whether the numbers of inputs or outputs of a layer can change."""
    return layer.kind != 'other' and (
        layer.group is not None or any(s.group is not None for s in layer.inputs)
    )


def new_shape(layer: GraphLayer, module: nn.Module) -> tuple[int, ...]:
    """Return the shape of the dense weight that a layer of the graph has."""
    _, _, shape = weight_parts(module)
    width = 1 if layer.kind == 'depthwise' else layer.in_width
    return (layer.out_channels, width, *shape[2:])


def _place(
    shape: Sequence[int], rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor] | None
) -> Callable[[Tensor], Tensor]:
    """Return the map from the old layout to the new one, zero where nothing survived."""

    def transform(dense: Tensor) -> Tensor:
        result = dense.new_zeros(tuple(shape))
        old, new = (index.to(dense.device) for index in rows)
        if columns is None:
            result[new] = dense[old]
        else:
            old_in, new_in = (index.to(dense.device) for index in columns)
            result[new[:, None], new_in[None]] = dense[old[:, None], old_in[None]]
        return result

    return transform


def _columns(plan: Plan, before: GraphLayer, after: GraphLayer) -> tuple[Tensor, Tensor, Tensor]:
    """Old and new positions of the surviving inputs, and by what they were rescaled."""
    old, new, factors = [], [], []
    old_start = new_start = 0
    for segment, grown in zip(before.inputs, after.inputs, strict=True):
        if segment.group is None:
            kept = torch.arange(segment.channels)
            factor = torch.ones(segment.channels, dtype=torch.double)
        else:
            kept = plan.keep[segment.group]
            factor = plan.factors[segment.group][-1]
        offsets = torch.arange(segment.repeat)
        target = torch.arange(kept.numel())
        old.append((old_start + kept[:, None] * segment.repeat + offsets).flatten())
        new.append((new_start + target[:, None] * segment.repeat + offsets).flatten())
        factors.append(factor.repeat_interleave(segment.repeat))
        old_start += segment.width
        new_start += grown.width
    return torch.cat(old), torch.cat(new), torch.cat(factors)


def _plan_layer(
    plan: Plan,
    model: nn.Module,
    before: GraphLayer,
    after: GraphLayer,
    setters: list[Setter],
    changes: list[Change],
) -> None:
    module = model.get_submodule(before.name)
    weights, biases, old_shape = weight_parts(module)
    dense = gather(weights, [part.parameter for part in weights], old_shape)
    kept = torch.arange(before.out_channels) if before.group is None else plan.keep[before.group]
    rows = kept, torch.arange(kept.numel())
    shape = new_shape(after, module)
    if before.kind == 'depthwise':
        assert before.group is not None
        place = _place(shape, rows, None)
        stage = plan.old.groups[before.group].convs.index(before.name)
        # It reads the neuron behind the batch normalisation before it.
        factor = plan.factors[before.group][stage - 1]
        divisor = torch.ones(shape[0], dtype=torch.double)
        divisor[rows[1]] = factor
        divisor = divisor.view(-1, *[1] * (len(shape) - 1))
    else:
        old_in, new_in, factor = _columns(plan, before, after)
        place = _place(shape, rows, (old_in, new_in))
        divisor = torch.ones(shape[1], dtype=torch.double)
        divisor[new_in] = factor
        divisor = divisor.view(1, -1, *[1] * (len(shape) - 2))
    weight = place(dense) / divisor.to(dense)
    if plan.seed is not None:
        weight += plan.fresh[before.name].to(weight)
    bias = None
    bias_place = _place(shape[:1], rows, None)
    if biases:
        old_bias = [part.parameter for part in biases]
        bias = bias_place(gather(biases, old_bias, old_shape[:1]))
    new_module = build_layer(plan.new, after, module, weight, bias)
    new_weights, new_biases, _ = weight_parts(new_module)
    changes.append(Change(weights, new_weights, old_shape, place))
    if biases:
        changes.append(Change(biases, new_biases, old_shape[:1], bias_place))
    setters.append(partial(put_layer, model, before.name, module, new_module))


def put_layer(model: nn.Module, name: str, old: nn.Module, new: nn.Module) -> None:
    """Put a new layer in its place; a module of the same kind stays and takes the parameters.

    So it keeps its hooks, and whatever else was hung on it.
    """
    if type(old) is not type(new) or isinstance(old, CrossRemovedConv2d | CrossAttentionConv2d):
        replace_module(model, name, new)
        return
    old._parameters.update(new._parameters)
    for key in ('in_channels', 'out_channels', 'groups', 'in_features', 'out_features'):
        if hasattr(new, key):
            setattr(old, key, getattr(new, key))


def _plan_norms(
    plan: Plan, model: nn.Module, index: int, setters: list[Setter], changes: list[Change]
) -> None:
    group, kept = plan.new.groups[index], plan.keep[index]
    rows = kept, torch.arange(kept.numel())
    place = _place((group.width,), rows, None)
    rows_of = zip(group.norms, group.initial_scale, plan.factors[index], strict=True)
    for name, initial, factor in rows_of:
        tensors = {}
        for key, value in norm_vectors(get_norm(model, name)):
            new = place(value.detach())
            if key in ('weight', 'bias'):
                new[: kept.numel()] *= factor.to(new)
            if key in ('weight', 'running_var'):
                new[kept.numel() :] = initial if key == 'weight' else 1
            tensors[key] = new
        change_norm(get_norm(model, name), tensors, place, setters, changes)


def norm_vectors(norm: _BatchNorm) -> list[tuple[str, Tensor]]:
    """Return parameters and statistics that have one value for each channel."""
    items = (*norm._parameters.items(), *norm._buffers.items())
    return [(key, value) for key, value in items if value is not None and value.dim() == 1]


def change_norm(
    norm: _BatchNorm,
    tensors: dict[str, Tensor],
    transform: Transform | None,
    setters: list[Setter],
    changes: list[Change],
) -> None:
    """Plan new parameters and statistics for a norm: ``tensors`` by their names."""
    for key, old in norm._parameters.items():
        if old is not None:
            new = nn.Parameter(tensors[key], old.requires_grad)
            tensors[key] = new
            changes.append(Change([Part(old)], [Part(new)], tuple(old.shape), transform))
    setters.append(partial(_set_norm, norm, tensors))


def _set_norm(norm: _BatchNorm, tensors: dict[str, Tensor]) -> None:
    for key, value in tensors.items():
        if isinstance(value, nn.Parameter):
            norm._parameters[key] = value
        else:
            norm._buffers[key] = value
    norm.num_features = tensors['weight'].numel()
