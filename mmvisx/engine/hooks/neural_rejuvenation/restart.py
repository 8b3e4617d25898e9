"""Begin a training's schedules anew, between two steps of its optimizers."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner

from mmvisx.engine.architecture import optim_wrappers_of, optimizers_of

__all__ = ['Restart', 'between_steps']


def between_steps(runner: Runner) -> bool:
    """Whether no gradients are being accumulated."""
    return all(
        wrapper._inner_count % wrapper._accumulative_counts == 0
        for wrapper in optim_wrappers_of(runner)
    )


class Restart:
    """The start of a training's schedules, to begin them anew.

    Args:
        runner: A training that has not begun.
    """

    def __init__(self, runner: Runner) -> None:
        self.schedulers = [copy.deepcopy(s.state_dict()) for s in _schedulers(runner)]
        self.groups = [
            [
                {key: copy.deepcopy(value) for key, value in group.items() if key != 'params'}
                for group in optimizer.param_groups
            ]
            for optimizer in optimizers_of(runner)
        ]
        loop = runner.train_loop
        self.max_epochs, self.max_iters = loop.max_epochs, loop.max_iters

    def extend(self, runner: Runner, epoch: int, iteration: int) -> None:
        """Let the training end as long after ``epoch`` or ``iteration`` as it was to last."""
        loop = runner.train_loop
        if isinstance(loop, EpochBasedTrainLoop):
            loop._max_epochs = epoch + self.max_epochs
            loop._max_iters = loop._max_epochs * len(loop.dataloader)
        else:
            loop._max_iters = iteration + self.max_iters
        runner.message_hub.update_info('max_epochs', loop.max_epochs)
        runner.message_hub.update_info('max_iters', loop.max_iters)

    def schedules(self, runner: Runner) -> None:
        """Set rates and schedules to their start."""
        for scheduler, state in zip(_schedulers(runner), self.schedulers, strict=True):
            scheduler.load_state_dict(copy.deepcopy(state))
        for optimizer, groups in zip(optimizers_of(runner), self.groups, strict=True):
            for group, settings in zip(optimizer.param_groups, groups, strict=True):
                group.update(copy.deepcopy(settings))
        for wrapper in optim_wrappers_of(runner):
            wrapper._max_counts = runner.max_iters
            wrapper._remainder_counts = runner.max_iters % wrapper._accumulative_counts


def _schedulers(runner: Runner) -> list[Any]:
    schedulers = runner.param_schedulers or []
    if isinstance(schedulers, dict):
        return [scheduler for part in schedulers.values() for scheduler in part]
    return list(schedulers)
