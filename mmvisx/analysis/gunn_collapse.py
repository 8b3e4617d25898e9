"""Channels that collapsed into each other: overlap singularities of a trained network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmvisx.models.layers import GraduallyUpdated
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

from .gunn_collapse_correlation import ChannelCorrelation, Collapse, find_collapsed_channels

__all__ = ['CollapsedChannels', 'record_correlations', 'select_layers']


@ANALYSES.register_module()
class CollapsedChannels:
    """How far the channels of layers have collapsed (001, 4.4).

    Args:
        layers: Names of layers; ``None``: all :class:`GraduallyUpdated` ones.
        threshold: See :func:`find_collapsed_channels`.

    Source: 001, 4.4.
    """

    def __init__(self, layers: Sequence[str] | None = None, threshold: float = 0.99) -> None:
        self.layers = layers
        self.threshold = threshold

    @torch.no_grad()
    def measure(self, model: nn.Module, loader: Iterable[Any]) -> dict[str, dict[str, Any]]:
        """Run a model on images and correlate its channels.

        Args:
            model: A classifier, detector or segmentor, in eval mode.
            loader: Batches for its ``test_step``.

        Returns:
            ``{layer: {'collapse': Collapse, 'segments': P, 'positions': n}}``; ``P`` is 1 for
            layers that are not :class:`GraduallyUpdated`, ``n`` counts the values of a channel.

        Raises:
            UserError: A layer is unknown or did not run, or the threshold is out of range.
        """
        runnable: Any = revert_sync_batchnorm(model)
        watched = select_layers(runnable, self.layers)
        with record_correlations(watched) as correlations:
            for batch in loader:
                runnable.test_step(batch)
        idle = [name for name, correlation in correlations.items() if correlation.count == 0]
        if idle:
            raise UserError(f'layer {idle[0]} did not run in the test of this model')
        return {
            name: dict(
                collapse=find_collapsed_channels(correlation, self.threshold),
                segments=_segments(watched[name]),
                positions=correlation.count,
            )
            for name, correlation in correlations.items()
        }

    def draw(self, measured: dict[str, dict[str, Any]]) -> str:
        """Return what was measured as a text table, a layer a line."""
        width = max(16, *(len(name) + 2 for name in measured))
        heads = (
            'channels', 'constant', 'pairs', 'in segment', 'collapsed', 'distinct', 'strongest',
        )  # fmt: skip
        lines = ['layer'.ljust(width) + ''.join(head.rjust(11) for head in heads)]
        for name, entry in measured.items():
            found: Collapse = entry['collapse']
            numbers: tuple[Any, ...] = (
                found.channels,
                len(found.constant),
                len(found.pairs),
                found.pairs_within(entry['segments']),
                len(found.collapsed),
                found.distinct,
                f'{found.strongest:.4f}',
            )
            lines.append(name.ljust(width) + ''.join(str(n).rjust(11) for n in numbers))
        return '\n'.join(lines)


def _segments(layer: nn.Module) -> int:
    return len(layer.units) if isinstance(layer, GraduallyUpdated) else 1


def select_layers(model: nn.Module, names: Sequence[str] | None = None) -> dict[str, nn.Module]:
    """Return ``{name: layer}``: those named, or all :class:`GraduallyUpdated` ones.

    Raises:
        UserError: No such layer, or none that is updated gradually or at once.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    if names is None:
        names = [name for name, module in modules.items() if isinstance(module, GraduallyUpdated)]
        if not names:
            raise UserError('the model has no GraduallyUpdated layer; name the layers to look at')
    for name in names:
        if name not in modules or not name:
            raise UserError(f'the model has no layer {name!r}{similar(name, modules)}')
    return {name: modules[name] for name in names}


@contextmanager
def record_correlations(
    layers: dict[str, nn.Module],
) -> Iterator[dict[str, ChannelCorrelation]]:
    """Yield ``{name: ChannelCorrelation}``, which every forward pass of the layers updates.

    Raises:
        UserError: In the forward pass: the output is no tensor ``(B, C, ...)``, or not finite.
    """
    result = {name: ChannelCorrelation() for name in layers}

    def watch(name: str, layer: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, tuple | list) and len(output) == 1:
                output = output[0]
            if not isinstance(output, Tensor):
                raise UserError(
                    f'layer {name} gives {type(output).__name__}, not one tensor (B, C, ...)'
                )
            try:
                result[name].update(output)
            except UserError as error:
                raise UserError(f'layer {name}: {error}') from error

        return layer.register_forward_hook(hook)

    handles = [watch(name, layer) for name, layer in layers.items()]
    try:
        yield result
    finally:
        for handle in handles:
            handle.remove()
