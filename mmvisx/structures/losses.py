"""Losses of several tasks, as one number that remembers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

__all__ = ['TaskLosses', 'attach_task_losses', 'task_losses']

_ATTRIBUTE = 'task_losses'


@dataclass(frozen=True)
class TaskLosses:
    """What a batch gives to each task.

    Attributes:
        losses: The loss of each task, a scalar with its graph. That of a task without an image
            is zero and still reaches the parameters of its head, for distributed training.
        images: How many images of the batch are annotated for each task.
        batch: How many are annotated for any.
    """

    losses: Mapping[str, Tensor]
    images: Mapping[str, int]
    batch: int


def attach_task_losses(total: Tensor, tasks: TaskLosses) -> Tensor:
    """Return ``total``, the loss that ``parse_losses`` returns, with its parts attached.

    MMEngine's training step hands the optimizer wrapper one tensor.
    """
    setattr(total, _ATTRIBUTE, tasks)
    return total


def task_losses(total: Tensor) -> TaskLosses | None:
    """Return what :func:`attach_task_losses` has attached, or None."""
    return getattr(total, _ATTRIBUTE, None)
