"""Optimizer wrappers that ask before they step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmvisx.engine.optim import AsynchronousSGD
from mmvisx.utils.modules import mixed_in

__all__ = ['asking', 'steps_itself']

MayStep = Callable[[str, OptimWrapper], bool]


def steps_itself(optim: OptimWrapper) -> bool:
    """Whether something is stepped at all: a loop may do without an optimizer."""
    return not isinstance(optim, OptimWrapperDict) or len(optim) > 0


@contextmanager
def asking(optim: OptimWrapper, may_step: MayStep) -> Iterator[None]:
    """Make an optimizer wrapper ask before it steps, in the block.

    Args:
        optim: One, or several as ``OptimWrapperDict``, of which each asks for itself. Asynchronous
            SGD asks before it counts a batch: what is bad must not wait among the gradients of
            others.
        may_step: Is asked with the name of the wrapper among several, and the wrapper.
    """
    parts: dict[str, OptimWrapper] = {'': optim}
    mixin: type = _AskBeforeStep
    if isinstance(optim, AsynchronousSGD):
        mixin = _AskBeforeBatch
    elif isinstance(optim, OptimWrapperDict):
        parts = dict(optim.items())
    with ExitStack() as stack:
        for name, part in parts.items():
            stack.enter_context(mixed_in(part, mixin, may_step=partial(may_step, name, part)))
        yield


class _AskBeforeStep:
    may_step: Callable[[], bool]

    def step(self, **kwargs: Any) -> None:
        if self.may_step():
            super().step(**kwargs)  # type: ignore[misc]


class _AskBeforeBatch:
    may_step: Callable[[], bool]

    def accepts_batch(self) -> bool:
        may = self.may_step()
        return bool(super().accepts_batch() and may)  # type: ignore[misc]
