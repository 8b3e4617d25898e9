"""Rebuild a network from the channel graph that a checkpoint stores."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmvisx.models.layers.neural_rejuvenation_cross_attention import CrossAttentionConv2d
from mmvisx.models.layers.neural_rejuvenation_cross_removed import CrossRemovedConv2d
from mmvisx.registry import ARCHITECTURES
from mmvisx.utils.architecture import Change, check_layers

from .graph import ChannelGraph, get_norm
from .parts import build_layer, weight_parts
from .rebuild import (
    Setter,
    apply_plan,
    change_norm,
    make_plan,
    new_shape,
    norm_vectors,
    put_layer,
    split_heads,
    touched,
)

__all__ = ['REJUVENATED', 'apply_architecture', 'fold_cross_removed', 'rebuild_rejuvenated']

REJUVENATED = 'neural_rejuvenation'  # the key of a checkpoint's entry


@ARCHITECTURES.register_module(name=REJUVENATED)
def rebuild_rejuvenated(
    model: nn.Module, entry: Mapping[str, Any], state: Mapping[str, Tensor]
) -> list[Change]:
    """Give a network the layers of a rejuvenated one.

    Args:
        model: The network as its config builds it; one that has these layers is left alone.
        entry: ``graph``, of :meth:`ChannelGraph.to_dict`; what else there is belongs to the
            training.
        state: The checkpoint's weights, which are not needed.

    Raises:
        UserError: the network has no layers of these names, or another version wrote the graph.
    """
    return apply_architecture(model, ChannelGraph.from_dict(entry['graph']))


@torch.no_grad()
def apply_architecture(model: nn.Module, graph: ChannelGraph) -> list[Change]:
    """Give a freshly built network the layers of a graph, with zero weights to be loaded.

    Args:
        model: The network as its config builds it; one that has these layers is left alone.
        graph: The graph that a checkpoint stores.

    Returns:
        Which parameters took which place; nothing of the old ones is kept.

    Raises:
        UserError: the network has no layers of these names.
    """
    setters: list[Setter] = []
    changes: list[Change] = []
    named = [layer.name for layer in graph.layers if touched(layer)]
    named += [norm for group in graph.groups for norm in group.norms]
    check_layers(model, named, 'rejuvenated')
    for layer in graph.layers:
        if not touched(layer):
            continue
        module = model.get_submodule(layer.name)
        weights, biases, shape = weight_parts(module)
        size = new_shape(layer, module)
        like = weights[0].parameter
        bias = like.new_zeros(size[0]) if biases else None
        new = build_layer(graph, layer, module, like.new_zeros(size), bias)
        if _same_layer(module, new):
            continue
        new_weights, new_biases, _ = weight_parts(new)
        changes.append(Change(weights, new_weights, shape, None))
        if biases:
            changes.append(Change(biases, new_biases, shape[:1], None))
        setters.append(partial(put_layer, model, layer.name, module, new))
    for group in graph.groups:
        for name in group.norms:
            norm = get_norm(model, name)
            if norm.num_features != group.width:
                tensors = {key: value.new_zeros(group.width) for key, value in norm_vectors(norm)}
                change_norm(norm, tensors, None, setters, changes)
    for setter in setters:
        setter()
    split_heads(model, graph)
    return changes


@torch.no_grad()
def fold_cross_removed(model: nn.Module, graph: ChannelGraph) -> ChannelGraph:
    """Make plain convolutions, with zeros, of those without cross connections, in place.

    Returns:
        The network's channel graph from now on.
    """
    new = copy.deepcopy(graph)
    for layer in new.layers:
        layer.mix = 'dense' if layer.mix == 'removed' else layer.mix
        layer.reads = []
    everything = [torch.ones(group.width, dtype=torch.bool) for group in graph.groups]
    apply_plan(make_plan(model, graph, new, everything, seed=None), model)
    return new


def _same_layer(ours: nn.Module, other: nn.Module) -> bool:
    if type(ours) is not type(other):
        return False
    if isinstance(ours, CrossRemovedConv2d | CrossAttentionConv2d):
        assert isinstance(other, CrossRemovedConv2d | CrossAttentionConv2d)
        return ours.out_counts == other.out_counts and all(
            torch.equal(a, b) for a, b in zip(ours.in_index, other.in_index, strict=True)
        )
    return weight_parts(ours)[2] == weight_parts(other)[2]
