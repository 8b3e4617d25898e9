"""Points as rows of numbers, read a whole batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .checks import FirstLook
from .labels import read_labels
from .rows import SparseRows, as_slice, choose, open_rows

__all__ = ['VectorDataset', 'whole_batch']

# Points that are looked at together when they are in memory.
_CHUNK = 4096


def whole_batch(batch: Any) -> Any:
    """Return a batch that a data set has put together itself: a loader's ``collate_fn``.

    In a config: ``collate_fn=dict(type='mmvisx.datasets.whole_batch')``.

    Args:
        batch: What ``__getitems__`` of :class:`VectorDataset` returns, ``inputs`` ``(N, d)`` and so
            on.
    """
    return batch


@DATASETS.register_module()
class VectorDataset(Dataset):
    """Points with or without labels, each a row of d numbers.

    With ``InfiniteSampler(shuffle=False)`` batches come in the order of the file and wrap round.
    Points in memory are checked when the data set is made, points in files when they are read
    first: NaN and infinity are refused; values that are the same in all points, and points that are
    all zeros, are warned of.

    Args:
        data: An array ``(n, ...)``, a sparse matrix ``(n, d)``, a file (``.npy``, of which only
            what is asked for is read; ``.npz`` of a sparse matrix or of one array; idx, packed with
            gzip or not), or a list of files that follow one another. Sparse rows are made dense a
            batch at a time.
        labels: Class of each point, from 0 or by name: an array, a file (``.npy``, idx, or text
            with one a line), or a list of files.
        classes: Names of the classes; the labels' own without.
        scale: Factor of all values; 0.02 for MNIST.
        offset: Is subtracted before: a value x becomes ``(x - offset) * scale``.
        rows: Numbers of the points that are used, ``(m,)``, an array or an ``.npy`` file; all
            without. ``indices`` then count the chosen points.

    Attributes:
        labels: ``(n,)`` int64, or None.
        features: What batches hold in the place of the points, ``(n, d')``, where it has been set;
            :meth:`read` returns the points all the same.

    Raises:
        UserError: The data cannot be read, hold NaN or infinity, or are not as many as the labels.

    Source: 000, section 3.4.1.
    """

    # A batch draws nothing at random: RandomStateHook need not seed it sample by sample.
    whole_batches = True

    def __init__(
        self,
        data: Any,
        labels: Any = None,
        classes: Sequence[str] | None = None,
        scale: float = 1.0,
        offset: float = 0.0,
        rows: Any = None,
    ) -> None:
        self._rows = open_rows(data)
        self.scale, self.offset = scale, offset
        self.features: torch.Tensor | None = None
        self.labels: np.ndarray | None = None
        self._classes: tuple[str, ...] | None = None
        if labels is not None:
            self.labels, names = read_labels(labels, len(self))
            self._classes = _names(names, classes)
        if rows is not None:
            rows = _numbers(rows)
            self._rows = choose(self._rows, rows)
            self.labels = None if self.labels is None else self.labels[rows]
        self._look = FirstLook(_name(data), self._rows.shape, rows)
        if isinstance(self._rows, SparseRows):
            self._look.see_sparse(self._rows.matrix)
        elif self._rows.in_memory:
            for start in range(0, len(self), _CHUNK):
                self.read(np.arange(start, min(start + _CHUNK, len(self))))

    @property
    def metainfo(self) -> dict[str, Any]:
        """Names of the classes, where there are labels."""
        return {} if self._classes is None else dict(classes=self._classes)

    @property
    def channels(self) -> int:
        """Values of a point, d."""
        return self._rows.shape[1]

    def __len__(self) -> int:
        return self._rows.shape[0]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of rows, scaled, ``(N, d)`` float32, a copy.

        Args:
            rows: ``(N,)``, in any order; consecutive ones are read as one piece.

        Raises:
            UserError: A point that is read for the first time holds NaN or infinity.
        """
        values = self._rows.read(rows)
        self._look.see(rows, values)
        if self.offset:
            values -= np.float32(self.offset)
        if self.scale != 1:
            values *= np.float32(self.scale)
        return values

    def __getitems__(self, indices: Sequence[int]) -> dict[str, torch.Tensor]:
        """Return ``inputs`` ``(N, d)`` float32, ``indices`` and ``labels`` ``(N,)`` int64."""
        rows = np.asarray(indices, np.int64)
        if self.features is None:
            inputs = torch.from_numpy(self.read(rows))
        else:
            inputs = self.features[as_slice(rows)]
        batch = dict(inputs=inputs, indices=torch.from_numpy(rows))
        if self.labels is not None:
            batch['labels'] = torch.from_numpy(self.labels[rows])
        return batch

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return one point, ``inputs`` ``(d,)``, and its ``indices`` and ``labels`` ``()``."""
        return {key: value[0] for key, value in self.__getitems__([index]).items()}


def _numbers(rows: Any) -> np.ndarray:
    if not isinstance(rows, str | Path):
        return np.asarray(rows)
    try:
        return np.load(rows)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f'rows {rows} cannot be read: {error}') from error


def _names(found: list[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    if wanted is None:
        return tuple(found)
    if len(wanted) < len(found):
        raise UserError(f'{len(wanted)} names in classes, labels of {len(found)} classes')
    return tuple(wanted)


def _name(data: Any) -> str:
    if isinstance(data, list | tuple) and data and isinstance(data[0], str | Path):
        return ', '.join(map(str, data))
    return str(data) if isinstance(data, str | Path) else 'the points'
