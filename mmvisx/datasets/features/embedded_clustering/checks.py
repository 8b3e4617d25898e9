"""What is wrong with points, found while they are read for the first time."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmvisx.utils.errors import UserError

__all__ = ['FirstLook']


class FirstLook:
    """Look at every point once, when it is read first, so that nothing is read for it alone.

    NaN and infinity are refused at once. When the last point has been seen, a warning says how many
    values are the same in all points, and another how many points are all zeros.

    Args:
        name: Of the points, for the messages.
        shape: (n, d).
        numbers: What the rows are called, ``(n,)``; without, by their places.
    """

    def __init__(
        self, name: str, shape: tuple[int, int], numbers: np.ndarray | None = None
    ) -> None:
        self.name, self.shape, self._numbers = name, shape, numbers
        self._new = np.ones(shape[0], bool)
        self._left = shape[0]
        self._low = np.full(shape[1], np.inf, np.float32)
        self._high = np.full(shape[1], -np.inf, np.float32)
        self._zeros: list[int] = []

    def see(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Look at the points of rows that have not been seen yet.

        Args:
            rows: ``(N,)``.
            values: As they were stored, ``(N, d)``.

        Raises:
            UserError: One is NaN or infinite; the message names its row.
        """
        if not self._left:
            return
        new = self._new[rows]
        if not new.any():
            return
        if not new.all():
            rows, values = rows[new], values[new]
        low, high = values.min(axis=0), values.max(axis=0)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            row, column = np.argwhere(~np.isfinite(values))[0]
            self._refuse(rows[row], column, values[row, column])
        self._low = np.minimum(self._low, low)
        self._high = np.maximum(self._high, high)
        self._zeros += rows[~values.any(axis=1)].tolist()
        self._new[rows] = False
        self._left = int(self._new.sum())
        if not self._left:
            self._warn(self._low == self._high, sorted(set(self._zeros)))

    def see_sparse(self, matrix: Any) -> None:
        """Look at a CSR matrix ``(n, d)`` as a whole, without making it dense.

        Raises:
            UserError: One value is NaN or infinite; the message names its row.
        """
        bad = np.flatnonzero(~np.isfinite(matrix.data))
        if len(bad):
            row = np.searchsorted(matrix.indptr, bad[0], side='right') - 1
            self._refuse(row, matrix.indices[bad[0]], matrix.data[bad[0]])
        low, high = (found.toarray() for found in (matrix.min(axis=0), matrix.max(axis=0)))
        self._left = 0
        self._warn((low == high).ravel(), np.flatnonzero(abs(matrix).sum(axis=1) == 0).tolist())

    def _refuse(self, row: int, column: int, value: float) -> None:
        number = row if self._numbers is None else self._numbers[row]
        raise UserError(
            f'{self.name}: value {column} of row {number} is {value}: take the row out or replace '
            'the value'
        )

    def _warn(self, constant: np.ndarray, zeros: list[int]) -> None:
        points, size = self.shape
        if constant.any():
            print_log(
                f'{self.name}: {constant.sum()} of {size} values are the same in all {points} '
                f'points ({_listed(np.flatnonzero(constant).tolist())}): they tell no clusters',
                'current',
                logging.WARNING,
            )
        if zeros and self._numbers is not None:
            zeros = self._numbers[zeros].tolist()
        if zeros:
            print_log(
                f'{self.name}: {len(zeros)} of {points} points are all zeros '
                f'(rows {_listed(zeros)}), as texts without any of the terms are: they end in one '
                'cluster',
                'current',
                logging.WARNING,
            )


def _listed(numbers: list[int]) -> str:
    return ', '.join(map(str, numbers[:5])) + (', ...' if len(numbers) > 5 else '')
