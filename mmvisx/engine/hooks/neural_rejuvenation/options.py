"""Refuse options of the hook that are out of range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmvisx.surgery.neural_rejuvenation.rejuvenation import check_variant
from mmvisx.surgery.neural_rejuvenation.usage import check_resource
from mmvisx.utils.errors import UserError

if TYPE_CHECKING:
    from .hook import NeuralRejuvenationHook

__all__ = ['check_options']


def check_options(hook: NeuralRejuvenationHook) -> None:
    """Check the arguments that a hook was built with.

    Raises:
        UserError: one of them is out of range.
    """
    check_resource(hook.resource)
    check_variant(hook.variant)
    threshold, target, window, shape = hook.threshold, hook.target, hook.window, hook.input_shape
    faults = {
        f'threshold={threshold} should be above 0 and at most target={target}: at the '
        'threshold the living neurons must fit the target': not 0 < threshold <= target,
        f'window={window!r} should be a first and a last epoch': window is not None
        and not (len(window) == 2 and 0 <= window[0] < window[1]),
    }
    for name in ('lambda_step', 'utilization_drop', 'fixed_lambda'):
        value = getattr(hook, name)
        text = f'{name}={value} of NeuralRejuvenationHook is below 0'
        faults[text] = value is not None and value < 0
    interval, number = hook.lambda_interval, hook.num_rejuvenations
    faults |= {
        f'lambda_interval={interval} should be above 0 epochs': not interval > 0,
        f'num_rejuvenations={number} is below 0': number is not None and number < 0,
        f'input_shape={shape} should be (channels, height, width)': (
            shape is not None and len(shape) != 3
        ),
    }
    for message, wrong in faults.items():
        if wrong:
            raise UserError(message)
