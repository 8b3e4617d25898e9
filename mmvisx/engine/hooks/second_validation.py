"""Evaluate on a second data set during a training, its own images for example."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.registry import HOOKS
from mmvisx.utils.screen import ON_SCREEN

__all__ = ['SecondValidationHook']


@HOOKS.register_module()
class SecondValidationHook(Hook):
    """Evaluate on a second data set every few epochs and after the last one.

    On the training's own images, without augmentation, this is the curve that shows how far a
    detector has overfitted. The values stand in the log at the number of epochs that are done,
    as those of the validation do, so the evaluator needs a ``prefix`` of its own.

    Args:
        dataloader: config of a data loader, as ``val_dataloader``.
        evaluator: config of an evaluator, as ``val_evaluator``.
        interval: epochs between evaluations, at least 1.
    """

    def __init__(self, dataloader: dict, evaluator: dict | list, interval: int = 1) -> None:
        self.dataloader: Any = dataloader
        self.evaluator: Any = evaluator
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Build loader and evaluator, so that their faults show before the training."""
        self.dataloader = runner.build_dataloader(self.dataloader, seed=runner.seed)
        self.evaluator = runner.build_evaluator(self.evaluator)
        self.evaluator.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)

    @torch.no_grad()
    def after_train_epoch(self, runner: Runner) -> None:
        """Evaluate; the training loop puts the model back into training mode."""
        if not (self.every_n_epochs(runner, self.interval) or self.is_last_train_epoch(runner)):
            return
        model: Any = runner.model
        model.eval()
        for batch in self.dataloader:
            self.evaluator.process(data_samples=model.val_step(batch), data_batch=batch)
        metrics = self.evaluator.evaluate(len(self.dataloader.dataset))
        epoch = runner.epoch + 1
        runner.logger.info(
            f'Epoch(second validation) [{epoch}] '
            + '  '.join(f'{name}: {value:.4f}' for name, value in metrics.items()),
            extra=ON_SCREEN,
        )
        runner.visualizer.add_scalars(metrics, step=epoch)
