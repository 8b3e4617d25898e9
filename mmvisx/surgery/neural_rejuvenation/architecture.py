"""Rebuild a network from the channel graph that a checkpoint stores."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmvisx.models.layers.neural_rejuvenation_cross_attention import CrossAttentionConv2d
from mmvisx.models.layers.neural_rejuvenation_cross_removed import CrossRemovedConv2d
from mmvisx.registry import ARCHITECTURES
from mmvisx.utils.architecture import Change, check_layers

from .graph import ChannelGraph, GraphLayer, get_norm
from .parts import build_layer, weight_parts
from .plan import apply_plan, make_plan, split_heads
from .rebuild import Rebuild, new_shape, norm_vectors, touched

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
        state: The checkpoint's state dict, which is not needed.

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
    named = [layer.name for layer in graph.layers if touched(layer)]
    named += [norm for group in graph.groups for norm in group.norms]
    check_layers(model, named, 'rejuvenated')
    rebuild = Rebuild(model)
    for layer in graph.layers:
        if touched(layer):
            new = _blank_layer(model.get_submodule(layer.name), graph, layer)
            if not _same_layer(model.get_submodule(layer.name), new):
                rebuild.replace_layer(layer.name, new)
    for group in graph.groups:
        for name in group.norms:
            norm = get_norm(model, name)
            if norm.num_features != group.width:
                tensors = {key: value.new_zeros(group.width) for key, value in norm_vectors(norm)}
                rebuild.replace_norm(name, tensors)
    changes = rebuild.commit()
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
    apply_plan(make_plan(model, old=graph, new=new, alive=everything, seed=None), model)
    return new


def _blank_layer(module: nn.Module, graph: ChannelGraph, layer: GraphLayer) -> nn.Module:
    """Build a layer of the graph in the place of ``module``, with zeros."""
    weights, biases, _ = weight_parts(module)
    shape = new_shape(layer, module)
    like = weights[0].parameter
    bias = like.new_zeros(shape[0]) if biases else None
    return build_layer(graph, layer, like=module, weight=like.new_zeros(shape), bias=bias)


def _same_layer(ours: nn.Module, other: nn.Module) -> bool:
    if type(ours) is not type(other):
        return False
    if isinstance(ours, CrossRemovedConv2d | CrossAttentionConv2d):
        assert isinstance(other, CrossRemovedConv2d | CrossAttentionConv2d)
        return ours.out_counts == other.out_counts and all(
            torch.equal(a, b) for a, b in zip(ours.in_index, other.in_index, strict=True)
        )
    return weight_parts(ours)[2] == weight_parts(other)[2]
