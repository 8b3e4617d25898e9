"""Trace the network of a training with the shape of its first batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dist import broadcast_object_list
from mmengine.runner import Runner
from torch import Tensor, nn

from mmvisx.surgery.neural_rejuvenation import ChannelGraph, build_channel_graph
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

from .report import describe_mix

__all__ = ['batch_shape', 'same_everywhere', 'trace_network']


def same_everywhere(value: Any) -> Any:
    """Return the first process's value in all processes."""
    values = [value]
    broadcast_object_list(values)
    return values[0]


def batch_shape(model: nn.Module, data_batch: Any) -> tuple[int, ...]:
    """Return ``(C, H, W)`` of a batch as the network gets it.

    Raises:
        UserError: it holds no batch of images.
    """
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    data = preprocessor(data_batch, False) if preprocessor is not None else data_batch
    inputs = data.get('inputs') if isinstance(data, dict) else data
    if isinstance(inputs, list | tuple):
        inputs = inputs[0]
    if not isinstance(inputs, Tensor) or inputs.dim() != 4:
        raise UserError(
            'the first batch holds no images (N, C, H, W); give input_shape=(C, H, W) to '
            'NeuralRejuvenationHook'
        )
    return tuple(inputs.shape[1:])


def trace_network(
    runner: Runner, shape: Sequence[int], *, variant: str, two_heads: bool
) -> ChannelGraph:
    """Return the channel graph of a training's network, the same in all processes.

    Args:
        runner: The training; its log says how many layers a variant will act on.
        shape: ``(C, H, W)`` of the images to trace the network with.
        variant: Of the rejuvenation to come.
        two_heads: Whether the classifier is to treat rejuvenated features by themselves.

    Raises:
        UserError: no neuron may die; the classifier cannot be split.
    """
    model = unwrap(runner.model)
    generator = torch.Generator().manual_seed(0)
    graph = build_channel_graph(model, torch.randn((2, *shape), generator=generator))
    graph.two_heads = two_heads
    if two_heads and not any(hasattr(m, 'split_features') for m in model.modules()):
        raise UserError(
            'two_heads=True of NeuralRejuvenationHook needs a classifier that can be split: '
            "model.head.type='mmvisx.TwoHeadLinearClsHead'"
        )
    text, warn = describe_mix(graph, variant)
    if text:
        (runner.logger.warning if warn else runner.logger.info)(text)
    return same_everywhere(graph)
