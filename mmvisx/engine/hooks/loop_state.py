"""Checkpoints that know how far a loop of one's own has come."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

__all__ = ['LOOP', 'KeepLoopHook']

LOOP = 'mmvisx_loop'  # entry of a checkpoint


class KeepLoopHook(Hook):
    """Store the ``state_dict`` of a training loop that has one.

    :class:`mmvisx.engine.runner.CheckedRunner` adds it, and gives the state back when a run is
    resumed. MMEngine's checkpoints hold epoch and iteration only, which is all its own loops need.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Store it."""
        state_of = getattr(runner.train_loop, 'state_dict', None)
        if state_of is not None:
            checkpoint[LOOP] = state_of()
