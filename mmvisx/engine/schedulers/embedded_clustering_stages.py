"""Learning rate and momentum that begin anew with every stage of a training (000, chapter 3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.momentum_scheduler import MomentumSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler

from mmvisx.registry import PARAM_SCHEDULERS
from mmvisx.utils.errors import UserError

__all__ = ['StageMomentum', 'StageStepLR']


class _StageScheduler(_ParamScheduler):
    """Multiply what the optimizer began with by a factor of the iteration within the stage.

    Args:
        stages: Iterations of each stage, as the loop has them (:class:`mmvisx.GreedyLoop`).
    """

    last_step: int
    base_values: list[float]

    def __init__(
        self, optimizer: Any, *args: Any, stages: Sequence[int], end: int | None = None
    ) -> None:
        # MMEngine's runner adds an `end`, of epochs unless the config has by_epoch=False; stages
        # have their own.
        self.starts = [0, *accumulate(stages)]
        super().__init__(optimizer, *args, by_epoch=False)

    def factor(self, step: int) -> float:
        """Return the factor at an iteration of a stage, counted from 0."""
        raise NotImplementedError

    def _get_value(self) -> list[float]:
        start = self.starts[bisect_right(self.starts, self.last_step) - 1]
        factor = self.factor(self.last_step - start)
        return [value * factor for value in self.base_values]


@PARAM_SCHEDULERS.register_module()
class StageStepLR(LRSchedulerMixin, _StageScheduler):
    """Multiply the learning rate every so many iterations of a stage; each starts at the full rate.

    Args:
        stages: Iterations of each stage.
        step_size: After how many the rate falls.
        gamma: What it is multiplied with.
        **kwargs: ``end``, which MMEngine's runner adds, is not used.

    Raises:
        UserError: ``step_size`` is below 1.

    Source: 000, 3.4.3: "starting learning rate is set to 0.1, which is divided by 10 every 20000
    iterations".
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        stages: Sequence[int],
        step_size: int,
        gamma: float = 0.1,
        **kwargs: Any,
    ) -> None:
        if step_size < 1:
            raise UserError(f'step_size={step_size} of StageStepLR should be 1 or more')
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, stages=stages, **kwargs)

    def factor(self, step: int) -> float:
        """Return the power of ``gamma``."""
        return self.gamma ** (step // self.step_size)


@PARAM_SCHEDULERS.register_module()
class StageMomentum(MomentumSchedulerMixin, _StageScheduler):
    """Let the momentum rise from 0 to its value over the first iterations of each stage.

    Args:
        stages: Iterations of each stage.
        warmup: How many iterations it rises.
        **kwargs: ``end``, which MMEngine's runner adds, is not used.

    Raises:
        UserError: ``warmup`` is below 1.

    Source: the settings published with 000, chapter 3; the document does not mention them.
    """

    def __init__(
        self, optimizer: Any, *, stages: Sequence[int], warmup: int = 1000, **kwargs: Any
    ) -> None:
        if warmup < 1:
            raise UserError(f'warmup={warmup} of StageMomentum should be 1 or more')
        self.warmup = warmup
        super().__init__(optimizer, stages=stages, **kwargs)

    def factor(self, step: int) -> float:
        """Return the share of the momentum."""
        return min(step / self.warmup, 1.0)
