"""Checkpoints that know how far a loop has come."""

from __future__ import annotations

from logging import LogRecord
from typing import Any

import torch
import torch.distributed as torch_dist
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn

from mmvisx.engine.loops import EpochLoop
from mmvisx.utils.modules import unwrap

__all__ = ['GRADIENTS', 'LOOP', 'KeepLoopHook', 'average_gradients', 'validation_is_due']

# Entries of a checkpoint.
LOOP = 'mmvisx_loop'
GRADIENTS = 'mmvisx_gradients'
# Of the message hub, which checkpoints hold: iterations that were done at the latest validation.
_VALIDATED = 'mmvisx_validated'


class KeepLoopHook(Hook):
    """Store what a loop has in hand, which MMEngine's checkpoints do not hold.

    That is the ``state_dict`` of a training loop that has one, the gradients of a step that is
    being accumulated, and whether the validation that is due has been done.
    :class:`mmvisx.engine.runner.CheckedRunner` adds the hook, and gives a loop's state back when
    a run is resumed.

    Attributes:
        averaged: Whether all processes have the same gradients. One of several does not store
            its own.
    """

    averaged = False

    def before_train(self, runner: Runner) -> None:
        """Take it that checkpoints that do not say so have been validated."""
        if not runner._resume or runner.message_hub.get_info(_VALIDATED) is None:
            runner.message_hub.update_info(_VALIDATED, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Remember it, before schedulers and checkpoints make use of the metrics."""
        runner.message_hub.update_info(_VALIDATED, runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Store it."""
        state_of = getattr(runner.train_loop, 'state_dict', None)
        if state_of is not None:
            checkpoint[LOOP] = state_of()
        if 'optimizer' in checkpoint and (self.averaged or get_world_size() == 1):
            parameters = unwrap(runner.model).named_parameters()
            gradients = {name: p.grad.cpu() for name, p in parameters if p.grad is not None}
            if gradients:
                checkpoint[GRADIENTS] = gradients

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Go on accumulating, if the run goes on."""
        gradients = checkpoint.get(GRADIENTS)
        if gradients is None or not runner._resume:
            return
        for name, parameter in unwrap(runner.model).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)
        # MMEngine says that the gradients are lost.
        runner.logger.addFilter(_is_no_loss)


def average_gradients(model: nn.Module, group: torch_dist.ProcessGroup) -> None:
    """Give all processes the mean of the gradients that they have accumulated without the others.

    A parameter of any shape ``(...)`` that has none counts as zero where another process has one.

    Args:
        group: Of all processes, for tensors in main memory.
    """
    parameters = list(model.parameters())
    there = torch.tensor([p.grad is not None for p in parameters], dtype=torch.uint8)
    torch_dist.all_reduce(there, torch_dist.ReduceOp.MAX, group)
    for parameter, anywhere in zip(parameters, there.tolist(), strict=True):
        if anywhere:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            all_reduce(parameter.grad, 'mean')


def validation_is_due(runner: Runner) -> bool:
    """Whether the run is where its loop validates, and this validation has not ended."""
    loop: Any = runner.train_loop
    if runner.val_loop is None or runner.message_hub.get_info(_VALIDATED) == loop.iter:
        return False
    if isinstance(loop, EpochLoop) and not loop.done:
        done, last = loop.epoch, loop.max_epochs
    elif isinstance(loop, IterBasedTrainLoop):
        done, last = loop.iter, loop.max_iters
    else:
        return False
    loop._decide_current_val_interval()
    return bool(done >= loop.val_begin and (done % loop.val_interval == 0 or done == last))


def _is_no_loss(record: LogRecord) -> bool:
    return not record.getMessage().startswith('Resumed iteration number is not divisible')
