"""Numbers that a call of an inferencer takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mmvisx.utils.errors import UserError

__all__ = ['Option', 'complete']


class Option(NamedTuple):
    """A number, and the range in which it means something."""

    default: float
    lowest: float
    highest: float | None = None

    def check(self, name: str, value: float) -> None:
        """Raise an error if the value of ``name`` is out of range.

        Raises:
            UserError: It is.
        """
        if value < self.lowest or (self.highest is not None and value > self.highest):
            limits = f'at least {self.lowest}'
            if self.highest is not None:
                limits = f'in [{self.lowest}, {self.highest}]'
            raise UserError(f'{name}={value} should be {limits}')


def complete(given: Mapping[str, float], known: Mapping[str, Option]) -> dict[str, float]:
    """Return the values of all known options, by default theirs.

    Raises:
        UserError: An option is unknown, or its value is out of range.
    """
    for name, value in given.items():
        if name not in known:
            raise UserError(f'{name}={value}: here the options are {", ".join(known)}')
        known[name].check(name, value)
    return {name: given.get(name, option.default) for name, option in known.items()}
