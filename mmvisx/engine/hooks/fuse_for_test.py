"""Test a fused copy of the model."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmvisx.registry import HOOKS
from mmvisx.surgery.fuse_watch import fuse_after_first_step
from mmvisx.utils.modules import unwrap

__all__ = ['FuseForTestHook']


@HOOKS.register_module()
class FuseForTestHook(Hook):
    """Fold batch normalisations and standardised weights for the time of a test.

    The first batch is predicted by the model as it is, which shows what follows what (see
    :class:`~mmvisx.surgery.PairWatch`); a fused copy predicts the others, and is given up
    after the test. Results are equal up to rounding. The runner's own model, which averaging
    hooks exchange weights with, stays as it is; for its copy there has to be memory.
    """

    def before_test_epoch(self, runner: Runner) -> None:
        """Wait for the first batch."""
        self._model = runner.model

        def put(fused: nn.Module) -> None:
            runner.model = fused

        fuse_after_first_step(self._model, unwrap(self._model), put)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Give the runner its model back."""
        runner.model = self._model
