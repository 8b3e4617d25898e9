"""Distinct values of label maps, by their runs."""

from __future__ import annotations

import numpy as np

__all__ = ['count_values', 'number_values']


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Neighbours are mostly equal, and sorting the few runs is much faster than all the pixels.
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])[: values.size])
    lengths = np.diff(starts, append=values.size)
    distinct, places = np.unique(values[starts], return_inverse=True)
    return distinct, places, lengths


def count_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values, ``(U,)`` ascending, of ``(N,)``, and how often each occurs."""
    distinct, places, lengths = _runs(values)
    counts = np.zeros(distinct.size, np.int64)
    np.add.at(counts, places, lengths)
    return distinct, counts


def number_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values, ``(U,)`` ascending, of ``(N,)``, and the place of each ``(N,)``.

    ``distinct[places]`` is ``values``, as with ``numpy.unique(values, return_inverse=True)``.
    """
    distinct, places, lengths = _runs(values)
    return distinct, np.repeat(places, lengths)
