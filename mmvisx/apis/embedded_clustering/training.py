"""Trainings on points inside a process that goes on with other things."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.hooks import Hook
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from torch.utils.data import DataLoader

from mmvisx.datasets import VectorDataset, whole_batch
from mmvisx.engine.runner import CheckedRunner
from mmvisx.utils.progress import progress

__all__ = ['elsewhere', 'points_runner']


def points_runner(
    model: Any,
    dataset: VectorDataset,
    work_dir: Path,
    seed: int,
    batch_size: int,
    train_cfg: dict[str, Any],
    optimizer: dict[str, Any],
    hooks: Sequence[Any] = (),
    verbose: bool = False,
) -> CheckedRunner:
    """Return a runner that trains a model on points in their order and writes no checkpoints.

    Args:
        model: On its device.
        dataset: The points.
        work_dir: Of the log.
        seed: Of all random numbers.
        batch_size: Points of an iteration; all of them where they are fewer.
        train_cfg: Config of the loop.
        optimizer: Config.
        hooks: Of the training.
        verbose: Show how far it got.
    """
    # Not as a config, of which MMEngine makes a copy with all points.
    loader: DataLoader = DataLoader(
        dataset,
        min(batch_size, len(dataset)),
        sampler=InfiniteSampler(dataset, shuffle=False, seed=seed),
        collate_fn=whole_batch,
    )
    return CheckedRunner(
        model,
        str(work_dir),
        train_dataloader=loader,
        train_cfg=train_cfg,
        optim_wrapper=dict(type='OptimWrapper', optimizer=optimizer),
        custom_hooks=[
            dict(type='mmvisx.CheckFiniteLossHook'),
            dict(type='mmvisx.RandomStateHook'),
            *([_Progress(f'training {type(model).__name__}')] if verbose else []),
            *hooks,
        ],
        default_hooks=dict(checkpoint=None, logger=None, timer=None),
        log_level='WARNING',
        randomness=dict(seed=seed),
        default_scope='mmengine',
        experiment_name=f'deep_clustering_{uuid.uuid4().hex}',
    )


class _Progress(Hook):
    """Show how far a training got that takes more than seconds."""

    def __init__(self, what: str) -> None:
        self.what = what

    def before_train(self, runner: Any) -> None:
        self._steps = progress(range(runner.max_iters), self.what, 'iteration')

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        next(self._steps, None)

    def after_train(self, runner: Any) -> None:
        del self._steps  # and a bar with it


@contextmanager
def elsewhere() -> Iterator[None]:
    """Leave random numbers, loggers and scopes of this process as they were."""
    kinds = (MMLogger, MessageHub, Visualizer, DefaultScope)
    kept = [dict(kind._instance_dict) for kind in kinds]
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng())
        try:
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
            for kind, instances in zip(kinds, kept, strict=True):
                kind._instance_dict.clear()
                kind._instance_dict.update(instances)
