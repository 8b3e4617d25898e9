"""Give a network other numbers of channels: survivors first, rejuvenated neurons behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmvisx.utils.architecture import Change, Transform, gather

from .graph import ChannelGraph, GraphLayer, get_norm
from .parts import build_layer, fresh_weight, input_index, weight_parts
from .rebuild import Rebuild, new_shape, norm_vectors, touched

__all__ = ['Plan', 'apply_plan', 'make_plan', 'split_heads']


@dataclass
class Plan:
    """A rejuvenation that can be applied to a network and to its running averages.

    Args:
        old: Graph before.
        new: Graph after.
        kept: For each group the surviving neurons, ascending, in the old order.
        factors: For each group and batch normalisation the rescaling ``s`` of the survivors.
        seed: Of the new weights; None: there are none.
        fresh: The new weights by layer, so that all copies get the same.
    """

    old: ChannelGraph
    new: ChannelGraph
    kept: list[Tensor]
    factors: list[list[Tensor]]
    seed: int | None = 0
    fresh: dict[str, Tensor] = field(default_factory=dict)


@torch.no_grad()
def make_plan(
    model: nn.Module,
    *,
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
    kept = [mask.nonzero()[:, 0] for mask in alive]
    factors = []
    for group, neurons in zip(old.groups, kept, strict=True):
        row = []
        for name, initial in zip(group.norms, group.initial_scale, strict=True):
            scale = get_norm(model, name).weight.detach().double().cpu().abs()[neurons]
            grown = scale.clamp(min=initial)
            factor = torch.where(scale > 0, grown / scale.clamp(min=1e-12), 1.0)
            usable = rescale and group.homogeneous
            row.append(factor if usable else torch.ones_like(factor))
        factors.append(row)
    return Plan(old, new, kept=kept, factors=factors, seed=seed)


@torch.no_grad()
def apply_plan(plan: Plan, model: nn.Module) -> list[Change]:
    """Rebuild a network in place; all is computed before anything is changed.

    Args:
        plan: Made from this network or from the one it is the running average of.
        model: The network.

    Returns:
        Which parameters took which place, for
        :func:`~mmvisx.surgery.optimizer.update_optimizer`.
    """
    if plan.seed is not None and not plan.fresh:
        generator = torch.Generator().manual_seed(plan.seed)
        for layer in plan.new.layers:
            if touched(layer):
                shape = new_shape(layer, model.get_submodule(layer.name))
                plan.fresh[layer.name] = fresh_weight(plan.new, layer, shape, generator)
    rebuild = Rebuild(model)
    for before, after in zip(plan.old.layers, plan.new.layers, strict=True):
        if touched(after):
            _plan_layer(plan, rebuild, before, after)
    for index in range(len(plan.new.groups)):
        _plan_norms(plan, rebuild, index)
    changes = rebuild.commit()
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


def _plan_layer(plan: Plan, rebuild: Rebuild, before: GraphLayer, after: GraphLayer) -> None:
    module = rebuild.model.get_submodule(before.name)
    weights, biases, old_shape = weight_parts(module)
    whole = gather(weights, [part.parameter for part in weights], old_shape)
    shape = new_shape(after, module)
    rows = _rows(plan, before)
    if before.kind == 'depthwise':
        place = _place(shape, rows)
        divisor = _depthwise_divisor(plan, before, shape)
    else:
        old_columns, new_columns, factor = _columns(plan, before, after)
        place = _place(shape, rows, (old_columns, new_columns))
        divisor = torch.ones(shape[1], dtype=torch.double)
        divisor[new_columns] = factor
        divisor = divisor.view(1, -1, *[1] * (len(shape) - 2))
    weight = place(whole) / divisor.to(whole)
    if plan.seed is not None:
        weight += plan.fresh[before.name].to(weight)
    bias = None
    bias_place = _place(shape[:1], rows)
    if biases:
        bias = bias_place(gather(biases, [part.parameter for part in biases], old_shape[:1]))
    new = build_layer(plan.new, after, like=module, weight=weight, bias=bias)
    rebuild.replace_layer(before.name, new, place=place, bias_place=bias_place)


def _rows(plan: Plan, layer: GraphLayer) -> tuple[Tensor, Tensor]:
    """Old and new positions of the surviving outputs."""
    old = torch.arange(layer.out_channels) if layer.group is None else plan.kept[layer.group]
    return old, torch.arange(old.numel())


def _columns(plan: Plan, before: GraphLayer, after: GraphLayer) -> tuple[Tensor, Tensor, Tensor]:
    """Old and new positions of the surviving inputs, and by what they were rescaled."""
    old, new, factors = [], [], []
    old_start = new_start = 0
    for segment, grown in zip(before.inputs, after.inputs, strict=True):
        if segment.group is None:
            kept = torch.arange(segment.channels)
            factor = torch.ones(segment.channels, dtype=torch.double)
        else:
            kept = plan.kept[segment.group]
            factor = plan.factors[segment.group][-1]
        offsets = torch.arange(segment.repeat)
        target = torch.arange(kept.numel())
        old.append((old_start + kept[:, None] * segment.repeat + offsets).flatten())
        new.append((new_start + target[:, None] * segment.repeat + offsets).flatten())
        factors.append(factor.repeat_interleave(segment.repeat))
        old_start += segment.features
        new_start += grown.features
    return torch.cat(old), torch.cat(new), torch.cat(factors)


def _depthwise_divisor(plan: Plan, layer: GraphLayer, shape: Sequence[int]) -> Tensor:
    """By what each row of a depthwise weight of ``shape`` is divided."""
    assert layer.group is not None
    stage = plan.old.groups[layer.group].convs.index(layer.name)
    # It reads the neuron behind the batch normalisation before it.
    factor = plan.factors[layer.group][stage - 1]
    divisor = torch.ones(shape[0], dtype=torch.double)
    divisor[: factor.numel()] = factor
    return divisor.view(-1, *[1] * (len(shape) - 1))


def _place(
    shape: Sequence[int],
    rows: tuple[Tensor, Tensor],
    columns: tuple[Tensor, Tensor] | None = None,
) -> Transform:
    """Return the map from the old layout to the new one, zero where nothing survived.

    Args:
        shape: Of the whole tensor afterwards.
        rows: Old and new positions of the surviving outputs.
        columns: Those of the surviving inputs; None: all stay where they are.
    """

    def transform(whole: Tensor) -> Tensor:
        result = whole.new_zeros(tuple(shape))
        old, new = (index.to(whole.device) for index in rows)
        if columns is None:
            result[new] = whole[old]
        else:
            old_in, new_in = (index.to(whole.device) for index in columns)
            result[new[:, None], new_in[None]] = whole[old[:, None], old_in[None]]
        return result

    return transform


def _plan_norms(plan: Plan, rebuild: Rebuild, index: int) -> None:
    group, kept = plan.new.groups[index], plan.kept[index]
    survivors = kept.numel()
    place = _place((group.width,), (kept, torch.arange(survivors)))
    rows = zip(group.norms, group.initial_scale, plan.factors[index], strict=True)
    for name, initial, factor in rows:
        tensors = {}
        for key, value in norm_vectors(get_norm(rebuild.model, name)):
            new = place(value.detach())
            if key in ('weight', 'bias'):
                new[:survivors] *= factor.to(new)
            if key in ('weight', 'running_var'):
                new[survivors:] = initial if key == 'weight' else 1
            tensors[key] = new
        rebuild.replace_norm(name, tensors, place=place)
