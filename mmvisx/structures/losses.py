"""The losses of a training step, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

__all__ = ['StepLosses']


@dataclass(frozen=True)
class StepLosses:
    """What a batch gives to each of several tasks (or networks), and to all together.

    MMEngine's training step, distributed or not, hands what ``parse_losses`` of the model returns
    to ``update_params`` of the optimizer wrapper. A model with several tasks returns this in the
    place of one tensor: an optimizer wrapper that treats the tasks differently reads them from it,
    and MMEngine's own wrappers go down the total.

    Attributes:
        total: What one optimizer goes down, a scalar with its graph.
        losses: The loss of each task, a scalar with its graph. That of a task without an image
            is zero and still reaches the parameters of its head, for distributed training.
        images: How many images of the batch are annotated for each task.
        batch: How many are annotated for any.
    """

    total: Tensor
    losses: Mapping[str, Tensor]
    images: Mapping[str, int]
    batch: int

    def __truediv__(self, divisor: float) -> Tensor:
        """Return a share of the total, which is the first that MMEngine's wrappers ask for."""
        return self.total / divisor

    @property
    def grad_fn(self) -> Any:
        """Of the total: what ``detect_anomalous_params`` follows."""
        return self.total.grad_fn

    def backward(self, **kwargs: Any) -> None:
        """Run the backward pass of the total."""
        self.total.backward(**kwargs)
