"""Weights of rows for any loss, from outside of the head that calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

__all__ = ['scale_rows']


@contextmanager
def scale_rows(loss: nn.Module, rows: Tensor | Callable[[], Tensor]) -> Iterator[None]:
    """Within the context, multiply the argument ``weight`` of a loss by one factor per row.

    Args:
        loss: Called as ``loss(pred, target, weight=None, ...)``.
        rows: ``(N, ...)`` with as many rows as ``pred``, or a function that returns them
            when the loss is called.
    """

    def scale(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict]:
        factor = rows() if callable(rows) else rows
        weight = args[2] if len(args) > 2 else kwargs.get('weight')
        if weight is not None:
            factor = weight * factor.reshape(factor.shape + (1,) * (weight.ndim - factor.ndim))
        if len(args) > 2:
            return (*args[:2], factor, *args[3:]), kwargs
        return args, {**kwargs, 'weight': factor}

    handle = loss.register_forward_pre_hook(scale, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
