"""Pictures as vectors: what a trained network's backbone makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from mmvisx.apis.build import build_model, build_test_pipeline
from mmvisx.datasets.features.embedded_clustering.images import read_picture
from mmvisx.utils.errors import UserError

__all__ = ['backbone_features', 'backbone_vectors']


@torch.no_grad()
def backbone_features(model: Any, data: dict[str, Any]) -> Tensor:
    """Return the last output of a model's backbone, ``(N, d)``; of maps the mean over places.

    Args:
        model: Has a ``backbone`` and a ``data_preprocessor``; in evaluation mode.
        data: A batch as its loader gives it.

    Raises:
        UserError: The model has no backbone, or that returns neither maps nor vectors.
    """
    backbone = getattr(model, 'backbone', None)
    if not isinstance(backbone, nn.Module):
        raise UserError(f'{type(model).__name__} has no backbone, whose output would be the vector')
    found = backbone(model.data_preprocessor(data, False)['inputs'])
    found = found[-1] if isinstance(found, list | tuple) else found
    if not isinstance(found, Tensor) or found.ndim not in (2, 4):
        raise UserError(
            f'{type(backbone).__name__} returns neither maps (N, C, H, W) nor vectors (N, C)'
        )
    return found.flatten(2).mean(dim=2) if found.ndim == 4 else found


def backbone_vectors(
    cfg: Config,
    checkpoint: str | Path | None,
    files: Iterable[Path],
    device: str = 'cpu',
    batch_size: int = 32,
) -> tuple[np.ndarray, list[int], list[str]]:
    """Return vectors of pictures ``(n, d)`` float32, their places, and what was skipped.

    Pictures go through the config's test pipeline, one that is broken is skipped.

    Args:
        cfg: Of the model; any task.
        checkpoint: Its weights; ``None`` leaves those that the layers are made with.
        files: Of the pictures.
        device: That the network runs on.
        batch_size: Pictures at once; pictures of different shapes go one by one.

    Raises:
        UserError: No file can be read, the model has no backbone, or a value is not finite.
    """
    model, pipeline = build_model(cfg, checkpoint, device), build_test_pipeline(cfg)
    found: list[np.ndarray] = []
    kept: list[int] = []
    skipped: list[str] = []
    waiting: list[Any] = []

    def empty() -> None:
        if waiting:
            found.append(backbone_features(model, pseudo_collate(waiting)).float().cpu().numpy())
            waiting.clear()

    for place, path in enumerate(files):
        fault = read_picture(path)
        if isinstance(fault, str):
            skipped.append(f'{path}: {fault}')
            continue
        sample = pipeline(dict(img_path=str(path)))
        # Padding to one shape would count as a part of the smaller picture.
        if waiting and waiting[0]['inputs'].shape != sample['inputs'].shape:
            empty()
        waiting.append(sample)
        kept.append(place)
        if len(waiting) == batch_size:
            empty()
    empty()
    if not found:
        raise UserError(f'none of {len(skipped)} pictures can be read; the first: {skipped[0]}')
    vectors = np.concatenate(found)
    if not np.isfinite(vectors).all():
        raise UserError(f'{checkpoint or "the network"} gives values that are not finite')
    return vectors, kept, skipped
