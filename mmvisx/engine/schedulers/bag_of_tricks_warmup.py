"""Linear warm-up, from the first batch to the last of a number of epochs (000, 2.3.1)."""

from __future__ import annotations

from typing import Any

from mmengine.optim.scheduler import LinearLR

from mmvisx.registry import PARAM_SCHEDULERS
from mmvisx.utils.errors import UserError


@PARAM_SCHEDULERS.register_module()
class LinearWarmupLR(LinearLR):
    r"""Warm-up by :math:`i\,\eta / m` at batch :math:`1 \le i \le m` (000, 2.3.1).

    With ``by_epoch=True, begin=0, end=5, convert_to_iter_based=True`` m is the number of
    batches of five epochs, whatever the data set and the batch size. mmengine's
    ``LinearLR`` gives the same with ``start_factor=1 / m``, which a config could write only
    for one number of batches.

    Args:
        begin: First batch, counted from 0.
        end: First batch after the warm-up: m is ``end - begin``.
        **kwargs: Of :class:`mmengine.optim.LinearLR` but ``start_factor``, ``end_factor``.

    Raises:
        UserError: The warm-up ends before it begins.

    Source: 000, 2.3.1, "Learning rate warmup".
    """

    def __init__(self, optimizer: Any, *, begin: int = 0, end: int, **kwargs: Any) -> None:
        if end <= begin:
            raise UserError(f'warm-up from begin={begin} to end={end}: end has to be larger')
        super().__init__(optimizer, start_factor=1 / (end - begin), begin=begin, end=end, **kwargs)
