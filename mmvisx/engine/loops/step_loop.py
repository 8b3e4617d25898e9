"""A training loop that is told what a step is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmengine.runner import IterBasedTrainLoop
from torch import Tensor

__all__ = ['StepLoop']


class StepLoop(IterBasedTrainLoop):
    """Train by steps of another kind than one loss and one optimizer.

    For algorithms that alternate (expectation and maximization, several networks in turn) and for
    targets that are renewed every so many steps. A subclass is registered in
    :data:`mmvisx.registry.LOOPS`, named by ``train_cfg.type``, and writes :meth:`step`. What has
    to be there again after an interruption is a parameter or buffer of the model, or is in
    :meth:`state_dict`, which :class:`mmvisx.engine.runner.CheckedRunner` puts into checkpoints.
    Hooks, log and checkpoints are those of every training.

    Attributes:
        needs_optimizer: Whether the config must have ``optim_wrapper``. Without one the runner's
            is an empty ``OptimWrapperDict``.
    """

    needs_optimizer: ClassVar[bool] = True
    runner: Any

    def step(self, data_batch: Any) -> Mapping[str, Any]:
        """Do one step; this one is MMEngine's.

        Returns:
            What is logged, by name: numbers or scalar tensors.
        """
        logged: Mapping[str, Any] = self.runner.model.train_step(
            data_batch, optim_wrapper=self.runner.optim_wrapper
        )
        return logged

    def run_iter(self, data_batch: Any) -> None:
        """Do one step between the hooks."""
        at: dict[str, Any] = dict(batch_idx=self._iter, data_batch=data_batch)
        self.runner.call_hook('before_train_iter', **at)
        self.runner.call_hook('after_train_iter', **at, outputs=self.step(data_batch))
        self._iter += 1

    def check_losses(self, losses: Mapping[str, Tensor | Sequence[Tensor]]) -> None:
        """Let hooks look at named losses that did not come out of ``model(..., mode='loss')``.

        Each is a tensor of any shape, ``()`` or ``(N,)`` for example, or several.

        Raises:
            UserError: By ``mmvisx.CheckFiniteLossHook``: one is NaN or infinite.
        """
        self.runner.call_hook('after_losses', losses=losses)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps besides the model: tensors, numbers, containers."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state_dict` has returned."""
