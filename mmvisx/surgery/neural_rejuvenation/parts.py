"""The whole weight of a layer, however the layer stores it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmvisx.models.layers.neural_rejuvenation_cross_attention import CrossAttentionConv2d
from mmvisx.models.layers.neural_rejuvenation_cross_removed import CrossRemovedConv2d, conv_settings
from mmvisx.utils.architecture import Part

from .graph import ChannelGraph, GraphLayer

__all__ = [
    'build_layer',
    'fresh_weight',
    'input_index',
    'weight_parts',
]


def weight_parts(module: nn.Module) -> tuple[list[Part], list[Part], tuple[int, ...]]:
    """Return the parts of a layer's weight and of its bias, and the whole weight's shape."""
    if not isinstance(module, CrossRemovedConv2d):
        weight = module._parameters['weight']
        bias = module._parameters['bias']
        assert weight is not None
        return [Part(weight)], [Part(bias)] if bias is not None else [], tuple(weight.shape)
    weights, biases = [], []
    starts = [0, *torch.tensor(module.out_counts).cumsum(0).tolist()]
    for key, block in module.blocks.items():
        rows = torch.arange(starts[int(key)], starts[int(key) + 1])
        (part_of_weight,), bias_part, _ = weight_parts(block)
        weights.append(Part(part_of_weight.parameter, rows, module.in_index[int(key)]))
        biases += [Part(part.parameter, rows) for part in bias_part]
    kernel = module.settings['kernel_size']
    return weights, biases, (module.out_channels, module.in_channels, *kernel)


def input_index(graph: ChannelGraph, layer: GraphLayer, generations: Sequence[int]) -> Tensor:
    """Ascending input positions of some generations; -1 stands for those fixed alive."""
    found = []
    start = 0
    for segment in layer.inputs:
        if segment.group is None:
            spans = [(-1, segment.features)]
        else:
            counts = graph.groups[segment.group].counts
            spans = [(g, count * segment.repeat) for g, count in enumerate(counts)]
        for generation, features in spans:
            if generation in generations:
                found.append(torch.arange(start, start + features))
            start += features
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.long)


def build_layer(
    graph: ChannelGraph,
    layer: GraphLayer,
    *,
    like: nn.Module,
    weight: Tensor,
    bias: Tensor | None,
) -> nn.Module:
    """Build a layer as the graph describes it, with the given whole weight and bias.

    Args:
        graph: Graph that describes the layer.
        layer: The layer.
        like: The module that is replaced; it is not changed.
        weight: ``(out, in, K_h, K_w)`` or ``(out, in)``.
        bias: ``(out,)`` or None.
    """
    if isinstance(like, nn.Linear):
        with torch.device('meta'):
            linear = type(like)(weight.size(1), weight.size(0), bias is not None)
        return _fill(linear, like, weight, bias)
    if layer.mix == 'removed':
        assert layer.group is not None
        counts = graph.groups[layer.group].counts
        index = [input_index(graph, layer, [-1, *reads]) for reads in layer.reads]
        with torch.device('meta'):
            blocks = CrossRemovedConv2d(like, index, counts, weight.size(1))
        return _fill(blocks, like, weight, bias)
    if layer.mix == 'attention':
        assert layer.group is not None
        counts = graph.groups[layer.group].counts
        index = [input_index(graph, layer, [g, -1] if g == 0 else [g]) for g in range(len(counts))]
        with torch.device('meta'):
            attention = CrossAttentionConv2d(like, index, counts)
        return _fill(attention, like, weight, bias)
    return _fill(_plain_like(like, layer, weight), like, weight, bias)


def _plain_like(like: nn.Module, layer: GraphLayer, weight: Tensor) -> nn.Conv2d:
    kind = type(like) if isinstance(like, nn.Conv2d) else nn.Conv2d
    depthwise = layer.kind == 'depthwise'
    with torch.device('meta'):
        return kind(
            weight.size(0) if depthwise else weight.size(1),
            weight.size(0),
            groups=weight.size(0) if depthwise else 1,
            **conv_settings(like),
        )


def _fill(module: nn.Module, like: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    """Give a module on the meta device its weights, and the mode of ``like``."""
    trained = next(like.parameters()).requires_grad
    weights, biases, _ = weight_parts(module)
    for parts, whole in ((weights, weight), (biases, bias)):
        for part in parts:
            assert whole is not None
            _set_parameter(module, part, nn.Parameter(part.extract(whole), trained))
    return module.train(like.training)


def _set_parameter(module: nn.Module, part: Part, parameter: nn.Parameter) -> None:
    for owner in module.modules():
        for key, value in owner._parameters.items():
            if value is part.parameter:
                owner._parameters[key] = parameter
                return
    raise RuntimeError('the part is of another module')


def fresh_weight(
    graph: ChannelGraph, layer: GraphLayer, shape: Sequence[int], generator: torch.Generator
) -> Tensor:
    """Draw a layer's whole weight: zero but for what rejuvenated neurons start with.

    ``W_RR`` is drawn from ``N(0, sqrt(2 / (k^2 out)))``, with ``out`` the outputs of the
    convolution it stands in; ``W_SR`` and ``W_RS`` are zero (5.3.2.2). Rejuvenated neurons
    that have no rejuvenated inputs, as those of the first convolution, are drawn with all
    their inputs: otherwise they would be zero for ever.
    """
    weight = torch.zeros(tuple(shape))
    if layer.group is None:
        return weight  # the classifier, or a convolution added to a stream: R enters with 0
    latest = len(graph.groups[layer.group].counts) - 1
    count = graph.groups[layer.group].counts[-1]
    rows = torch.arange(shape[0] - count, shape[0])
    if layer.kind == 'depthwise':
        out = 1
        columns = torch.arange(shape[1])
    else:
        out = count if layer.mix == 'removed' else shape[0]
        own = input_index(graph, layer, [latest])
        columns = input_index(graph, layer, [-1, latest]) if own.numel() else torch.arange(shape[1])
    deviation = math.sqrt(2 / (layer.area * max(out, 1)))
    size = (rows.numel(), columns.numel(), *shape[2:])
    weight[rows[:, None], columns[None]] = deviation * torch.randn(size, generator=generator)
    return weight
