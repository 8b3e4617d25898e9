"""Progress of what reads many files."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

__all__ = ['progress']

Item = TypeVar('Item')
DELAY = 2.0  # seconds without a word: what is over by then needs none
PAUSE = 10.0  # seconds between two lines where no bar can be drawn


def progress(
    items: Iterable[Item], what: str, unit: str = 'file', total: int | None = None
) -> Iterator[Item]:
    """Yield the items; what takes longer than two seconds shows on stderr how far it got.

    A terminal gets a bar with the time left, which goes away in the end; a pipe gets a plain line
    every ten seconds.

    Args:
        what: is done with the items, as ``'reading labels'``.
        unit: what an item is called.
        total: their number, where they do not say it themselves.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, desc=what, unit=unit, total=total, delay=DELAY, leave=False)
        return
    if total is None and isinstance(items, Sized):
        total = len(items)
    whole = '' if total is None else f' of {total}'
    last = time.monotonic() + DELAY - PAUSE
    for count, item in enumerate(items):
        if time.monotonic() - last > PAUSE:
            last = time.monotonic()
            print(f'{what}: {count}{whole} {unit}s', file=sys.stderr, flush=True)
        yield item
