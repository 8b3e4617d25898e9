"""Learning-rate schedules of configs (000, Figure 2.3a)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DATASETS, PARAM_SCHEDULERS, init_default_scope

from mmvisx.engine.warm_up import shorten_warm_up
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of
from mmvisx.visualization.lr_schedule import plot_learning_rates

__all__ = ['LearningRates', 'iterations_per_epoch', 'learning_rates']


@ANALYSES.register_module()
class LearningRates:
    """The learning rate of every iteration of a training.

    Args:
        epoch_length: Iterations in an epoch; by default from the training data's size.

    Source: 000, Figure 2.3a.
    """

    def __init__(self, epoch_length: int | None = None) -> None:
        self.epoch_length = epoch_length

    def measure(self, cfg: Config) -> tuple[np.ndarray, int]:
        """Return the rates, ``(iterations,)``, and the iterations in an epoch.

        Raises:
            UserError: See :func:`iterations_per_epoch` and :func:`learning_rates`.
        """
        length = self.epoch_length
        if length is None:
            length = iterations_per_epoch(cfg) if 'max_epochs' in cfg.train_cfg else 1
        return learning_rates(cfg, length), length

    def draw(self, schedules: Sequence[tuple[str, np.ndarray, int]], out: str | Path) -> Path:
        """Draw schedules over epochs: name, rates ``(N,)`` and iterations in an epoch of each."""
        return plot_learning_rates(schedules, out)


def iterations_per_epoch(cfg: Config) -> int:
    """Return the length of the training loader on one process, by building the data set.

    Raises:
        UserError: the data are not there.
    """
    init_default_scope(task_of(cfg).scope)
    loader = cfg.train_dataloader
    try:
        images = len(DATASETS.build(loader.dataset))
    except (UserError, FileNotFoundError) as error:
        raise UserError(
            f'the number of iterations in an epoch is not known without the training data '
            f'({error}); give --iters-per-epoch'
        ) from error
    batch = loader.batch_size
    return images // batch if loader.get('drop_last') else -(-images // batch)


def learning_rates(cfg: Config, epoch_length: int) -> np.ndarray:
    """Return the learning rate of every iteration of a training, ``(iterations,)``.

    The config's own schedulers run, on an optimizer with one parameter, as MMEngine's loops
    run them: those by iteration step after each iteration, those by epoch after each epoch.

    Args:
        epoch_length: Iterations in an epoch.

    Raises:
        UserError: the config has no single optimizer, or a scheduler needs a metric.
    """
    init_default_scope(task_of(cfg).scope)
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer', {})
    if 'lr' not in optimizer:
        raise UserError('the config has no optim_wrapper.optimizer.lr to draw')
    if epoch_length < 1:
        raise UserError(f'--iters-per-epoch {epoch_length} should be at least 1')
    train = cfg.train_cfg
    by_epoch = 'max_epochs' in train
    total = train.max_epochs * epoch_length if by_epoch else train.max_iters
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=optimizer.lr, momentum=0.9)
    wrapper = OptimWrapper(sgd)
    schedulers = _build(cfg, wrapper, epoch_length, total)
    rates = np.empty(total)
    for iteration in range(total):
        rates[iteration] = sgd.param_groups[0]['lr']
        wrapper.step()  # a scheduler warns if it is called before
        epoch_ends = by_epoch and (iteration + 1) % epoch_length == 0
        for scheduler in schedulers:
            if not scheduler.by_epoch or epoch_ends:
                scheduler.step()
    return rates


def _build(cfg: Config, wrapper: OptimWrapper, epoch_length: int, total: int) -> list[Any]:
    configs = cfg.get('param_scheduler') or []
    schedulers = []
    for config in shorten_warm_up(
        configs if isinstance(configs, list | tuple) else [configs], total
    )[0]:
        if 'Plateau' in str(config['type']):
            raise UserError(
                f'param_scheduler {config["type"]} follows a metric, so its rates are not known '
                'before the training'
            )
        # As MMEngine's runner sets it.
        by_epoch = config.get('by_epoch', True)
        config.setdefault('end', cfg.train_cfg.get('max_epochs', total) if by_epoch else total)
        arguments = dict(optimizer=wrapper, epoch_length=epoch_length)
        schedulers.append(PARAM_SCHEDULERS.build(config, default_args=arguments))
    return schedulers
