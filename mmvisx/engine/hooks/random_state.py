"""Random numbers that a resumed run draws like the uninterrupted one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.registry import HOOKS

__all__ = ['RandomStateHook', 'SampleSeed', 'seed_everything']


def seed_everything(*key: int) -> None:
    """Seed ``random``, NumPy and PyTorch from a tuple of non-negative integers."""
    low, high = (int(word) for word in np.random.SeedSequence(key).generate_state(2))
    random.seed(low)
    np.random.seed(low)
    torch.manual_seed(high << 32 | low)


class SampleSeed:
    """First step of a pipeline: seed its random numbers from the sample.

    The key is (seed, epoch, index, how often this worker has loaded it this epoch), so
    it does not matter which worker loads the sample, nor what it has loaded before.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        # Shared memory: persistent workers see what the main process writes.
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()
        self._visits: Counter[tuple[int, int]] = Counter()

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return ``results`` as they are."""
        epoch, index = int(self.epoch), int(results['sample_idx'])
        if self._visits and next(iter(self._visits))[0] != epoch:
            self._visits.clear()
        seed_everything(self.seed, epoch, index, self._visits[epoch, index])
        self._visits[epoch, index] += 1
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(seed={self.seed})'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Tie all random numbers of a training to its seed and its progress.

    mmengine's checkpoints hold no random state, and in distributed training only one
    process writes them. So nothing is stored: the main process is seeded from (seed,
    rank, iteration) before each iteration, which RoI sampling draws from, and each
    sample's augmentation from (seed, epoch, index) (:class:`SampleSeed`). A run killed
    after a checkpoint and resumed repeats the uninterrupted run's numbers, with any
    number of data-loading workers.
    """

    # Before hooks that draw numbers themselves.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Put a :class:`SampleSeed` in front of the training pipelines."""
        loader: Any = runner.train_dataloader
        # A resumed run learns its seed after its sampler has been built.
        for sampler in {loader.sampler, getattr(loader.batch_sampler, 'sampler', loader.sampler)}:
            if hasattr(sampler, 'seed'):
                sampler.seed = runner.seed
        self._step = SampleSeed(runner.seed)
        for pipeline in _pipelines(loader.dataset):
            pipeline.transforms[:] = [
                self._step,
                *(step for step in pipeline.transforms if not isinstance(step, SampleSeed)),
            ]
        seed_everything(runner.seed, get_rank(), runner.iter)

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the workers the epoch, and seed what starts them."""
        self._step.epoch.fill_(runner.epoch)
        seed_everything(runner.seed, get_rank(), runner.iter)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Seed the main process for this iteration."""
        seed_everything(runner.seed, get_rank(), runner.iter)


def _pipelines(dataset: Any) -> Iterator[Any]:
    """Yield the pipelines that load samples, inside any wrappers."""
    inner = getattr(dataset, 'datasets', None) or getattr(dataset, 'dataset', None)
    if inner is None:
        if hasattr(getattr(dataset, 'pipeline', None), 'transforms'):
            yield dataset.pipeline
        return
    for part in inner if isinstance(inner, (list, tuple)) else [inner]:
        yield from _pipelines(part)
