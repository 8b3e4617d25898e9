"""Labels of points out of arrays and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.utils.errors import UserError

from .idx import is_idx, read_idx

__all__ = ['read_labels']


def read_labels(source: Any, count: int) -> tuple[np.ndarray, list[str]]:
    """Return labels ``(n,)`` int64 and the names of the classes.

    Args:
        source: Numbers from 0 or names, ``(n,)``: an array, a file (``.npy``, idx, or text with one
            a line), or a list of files, which follow one another.
        count: Of the points, n.

    Returns:
        Numbers stay as they are, and classes are called by them; names are sorted.

    Raises:
        UserError: A file cannot be read, the labels are no numbers from 0, or are not ``count``.
    """
    parts = source if isinstance(source, list | tuple) else [source]
    if len(parts) and isinstance(parts[0], str | Path):
        found = np.concatenate([_read(Path(path)) for path in parts])
        name = ', '.join(map(str, parts))
    else:
        found, name = np.asarray(source), 'labels'
    if found.ndim != 1 or len(found) != count:
        raise UserError(
            f'{name}: {found.size} labels for {count} points: each needs one, in the same order'
        )
    if found.dtype.kind in 'US':
        classes, numbers = np.unique(found, return_inverse=True)
        return numbers.astype(np.int64), [str(c) for c in classes]
    numbers = found.astype(np.int64)
    if (numbers != found).any() or numbers.min() < 0:
        wrong = int(np.flatnonzero((numbers != found) | (numbers < 0))[0])
        raise UserError(
            f'{name}: {found[wrong]} of row {wrong} is no class: they are numbered from 0'
        )
    return numbers, [str(k) for k in range(int(numbers.max()) + 1)]


def _read(path: Path) -> np.ndarray:
    try:
        if is_idx(path):
            return read_idx(path)
        if path.suffix == '.npy':
            return np.load(path)
        lines = np.array([line.strip() for line in path.read_text('utf-8').splitlines()])
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f'{path} cannot be read as labels: {error}') from error
    try:
        return lines.astype(np.int64)
    except ValueError:
        return lines
