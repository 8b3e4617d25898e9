"""Raise the weights between co-trained views slowly."""

from __future__ import annotations

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['CoTrainingRampHook', 'ramp']


def ramp(epoch: int, epochs: int) -> float:
    """Return ``exp(-5 (1 - T / epochs)^2)``, and 1 from T = ``epochs`` on.

    Args:
        epoch: T, from 1.
        epochs: Length of the ramp.

    Source: 001, 3.2.5, "we use a warmup scheme".
    """
    return math.exp(-5 * (1 - epoch / epochs) ** 2) if epoch < epochs else 1.0


@HOOKS.register_module()
class CoTrainingRampHook(Hook):
    """Set ``ramp`` of a :class:`mmvisx.CoTrainingClassifier` at the start of each epoch.

    It follows from the epoch alone, so a resumed training has it as well.

    Args:
        epochs: Length; the chapter has 80 of 600.

    Raises:
        UserError: ``epochs`` is not positive, or, when training starts, the model has no
            ``ramp``.

    Source: 001, 3.2.5.
    """

    def __init__(self, epochs: int = 80) -> None:
        if epochs < 1:
            raise UserError(f'epochs={epochs!r} of CoTrainingRampHook should be 1 or more')
        self.epochs = epochs

    def before_train(self, runner: Runner) -> None:
        """Refuse models that would not notice."""
        model = unwrap(runner.model)
        if not hasattr(model, 'ramp'):
            raise UserError(
                f'CoTrainingRampHook: {type(model).__name__} has no weights that rise; it is for '
                'mmvisx.CoTrainingClassifier'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Set the factor of this epoch."""
        unwrap(runner.model).ramp = ramp(runner.epoch + 1, self.epochs)
