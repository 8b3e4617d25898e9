"""The inferencer of a config's task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvisx.registry import INFERENCERS
from mmvisx.utils.config import load_config
from mmvisx.utils.tasks import task_of

from .base import ImageInferencer

__all__ = ['inferencer_for']


def inferencer_for(
    config: str | Path | Config,
    checkpoint: str | Path,
    device: str | None = None,
    allow_partial: bool = False,
    show_progress: bool = True,
) -> ImageInferencer[Any]:
    """Return the inferencer of a config's task (:mod:`mmvisx.utils.tasks`).

    Args:
        config: Config file or config.
        checkpoint: Checkpoint file.
        device: ``'cpu'``, ``'cuda:0'``, ...; ``None``: a GPU if there is one.
        allow_partial: Accept a checkpoint that lacks weights of the model.
        show_progress: Show a bar with the time left.

    Raises:
        UserError: Config or checkpoint is missing or broken, they do not fit together, or
            there is no inferencer for the task.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    kind = INFERENCERS.get(task_of(cfg).need('inferencer', 'an inferencer'))
    return kind(cfg, checkpoint, device, allow_partial=allow_partial, show_progress=show_progress)
