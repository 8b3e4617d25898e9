"""Collapsed channels of a trained network, from its config and checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from torch.utils.data import Subset

from mmvisx.analysis.gunn_collapse_correlation import (
    Collapse,
    find_collapsed_channels,
    record_correlations,
    select_layers,
)
from mmvisx.apis.build import build_model
from mmvisx.models.layers import GraduallyUpdated
from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

__all__ = ['collapse_table', 'measure_collapse']


@torch.no_grad()
def measure_collapse(
    cfg: Config,
    checkpoint: str | Path,
    layers: Sequence[str] | None = None,
    threshold: float = 0.99,
    num_images: int = 256,
    device: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Return how far the channels of a network have collapsed on images of its test set.

    Args:
        cfg: The config of a classifier, detector or segmentor.
        checkpoint: Its weights.
        layers: Names of layers; ``None``: all :class:`GraduallyUpdated` ones.
        threshold: See :func:`find_collapsed_channels`.
        num_images: Images, at even distances over the test set.
        device: 'cpu', 'cuda:0', ...; ``None``: a GPU if there is one.

    Returns:
        ``{layer: {'collapse': Collapse, 'segments': P, 'positions': n}}``; ``P`` is 1 for
        layers that are not :class:`GraduallyUpdated`, ``n`` counts the values of a channel.

    Raises:
        UserError: A layer is unknown or did not run, the checkpoint does not fit, there are
            no test images, or a number is out of range.
    """
    if num_images < 1:
        raise UserError(f'num_images={num_images} must be at least 1')
    if cfg.get('test_dataloader') is None:
        raise UserError('the config has no test_dataloader, so no images to look at')
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    model = revert_sync_batchnorm(build_model(cfg, checkpoint, device))
    watched = select_layers(model, layers)

    loader = cfg.test_dataloader.to_dict()
    images = DATASETS.build(loader['dataset'])
    count = min(num_images, len(images))
    chosen = [index * len(images) // count for index in range(count)]
    loader.update(
        dataset=Subset(images, chosen),
        batch_size=min(loader.get('batch_size', 1), count),
        num_workers=0,
        persistent_workers=False,
        drop_last=False,
    )
    with record_correlations(watched) as correlations:
        for batch in Runner.build_dataloader(loader):
            model.test_step(batch)
    idle = [name for name, correlation in correlations.items() if correlation.count == 0]
    if idle:
        raise UserError(f'layer {idle[0]} did not run in the test of this model')
    return {
        name: dict(
            collapse=find_collapsed_channels(correlation, threshold),
            segments=_segments(watched[name]),
            positions=correlation.count,
        )
        for name, correlation in correlations.items()
    }


def _segments(layer: torch.nn.Module) -> int:
    return len(layer.units) if isinstance(layer, GraduallyUpdated) else 1


def collapse_table(result: dict[str, dict[str, Any]]) -> str:
    """Return the result of :func:`measure_collapse` as a text table."""
    width = max(16, *(len(name) + 2 for name in result))
    heads = ('channels', 'constant', 'pairs', 'in segment', 'collapsed', 'distinct', 'strongest')
    lines = ['layer'.ljust(width) + ''.join(head.rjust(11) for head in heads)]
    for name, entry in result.items():
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
