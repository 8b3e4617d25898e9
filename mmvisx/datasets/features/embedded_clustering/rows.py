"""Rows of numbers out of memory, out of files and out of sparse matrices, a batch at a time.

n: points; d: values of a point; N: points of a batch.
"""

from __future__ import annotations

import os
import weakref
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from mmvisx.utils.errors import UserError

from .idx import check_length, idx_layout, is_idx, read_idx

__all__ = [
    'ArrayRows',
    'ChosenRows',
    'FileRows',
    'JoinedRows',
    'Rows',
    'SparseRows',
    'choose',
    'open_rows',
    'runs',
]


class Rows(Protocol):
    """n points of d values.

    Attributes:
        shape: (n, d).
        in_memory: Whether reading costs no disk.
    """

    shape: tuple[int, int]
    in_memory: bool

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of these rows, ``(N, d)`` float32, a copy."""


def runs(rows: np.ndarray) -> list[tuple[int, int, int]]:
    """Return place, first row and length of each run of consecutive rows.

    Args:
        rows: ``(N,)``.
    """
    starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    lengths = np.diff(starts, append=len(rows))
    return list(zip(starts.tolist(), rows[starts].tolist(), lengths.tolist(), strict=True))


def as_slice(rows: np.ndarray) -> np.ndarray | slice:
    """Return consecutive rows as a slice, others as they are.

    Args:
        rows: ``(N,)``.
    """
    if len(rows) and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


class ArrayRows:
    """Rows of an array in memory, of any number type: a byte stays a byte.

    Args:
        array: ``(n, ...)``; what a point has is one vector.
    """

    in_memory = True

    def __init__(self, array: np.ndarray) -> None:
        self._array = array.reshape(len(array), -1)
        self.shape = (int(self._array.shape[0]), int(self._array.shape[1]))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of rows ``(N,)``, ``(N, d)`` float32."""
        return self._array[as_slice(rows)].astype(np.float32)


class FileRows:
    """Rows of a file of plain numbers, of which only what is asked for is read.

    Args:
        path: The file.
        dtype: Of its numbers.
        shape: (n, d).
        start: First byte of the numbers.

    A memory map would do, but Linux keeps what it has touched, and a long training would hold the
    whole file.
    """

    in_memory = False

    def __init__(
        self, path: str | Path, dtype: np.dtype, shape: tuple[int, int], start: int
    ) -> None:
        self.path, self.dtype, self.shape, self.start = path, dtype, shape, start
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.dtype, self.shape, self.start)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of rows ``(N,)``, ``(N, d)`` float32.

        Raises:
            UserError: The file has become shorter.
        """
        found = np.empty((len(rows), self.shape[1]), self.dtype)
        size = self.dtype.itemsize * self.shape[1]
        for place, first, length in runs(rows):
            part = found[place : place + length].reshape(-1).view(np.uint8).data
            done, offset = 0, self.start + first * size
            while done < len(part):
                count = os.preadv(self._file, [part[done:]], offset + done)
                if not count:
                    raise UserError(f'{self.path} has become shorter while it was read')
                done += count
        return found.astype(np.float32)


class SparseRows:
    """Rows of a sparse matrix, made dense a batch at a time.

    Args:
        matrix: ``(n, d)``, of any of SciPy's formats; kept as CSR.
    """

    in_memory = True

    def __init__(self, matrix: Any) -> None:
        self.matrix = sparse.csr_array(matrix)
        self.shape = (int(self.matrix.shape[0]), int(self.matrix.shape[1]))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of rows ``(N,)``, ``(N, d)`` float32."""
        return self.matrix[as_slice(rows)].toarray().astype(np.float32)


class JoinedRows:
    """Rows of several sources, one after the other.

    Args:
        parts: The sources, of equal d.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self.parts = parts
        self.in_memory = all(part.in_memory for part in parts)
        self._ends = np.cumsum([part.shape[0] for part in parts])
        self.shape = (int(self._ends[-1]), parts[0].shape[1])

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of rows ``(N,)``, ``(N, d)`` float32."""
        which = np.searchsorted(self._ends, rows, side='right')
        found = np.empty((len(rows), self.shape[1]), np.float32)
        for number in np.unique(which):
            mine = which == number
            start = self._ends[number] - self.parts[number].shape[0]
            found[mine] = self.parts[number].read(rows[mine] - start)
        return found


class ChosenRows:
    """Some rows of a source.

    Args:
        whole: The source.
        rows: Numbers of the rows, ``(m,)``.
    """

    def __init__(self, whole: Rows, rows: np.ndarray) -> None:
        self.whole, self.in_memory, self.shape = whole, whole.in_memory, (len(rows), whole.shape[1])
        self._rows = rows

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the points of rows ``(N,)``, ``(N, d)`` float32."""
        return self.whole.read(self._rows[rows])


def choose(source: Rows, rows: np.ndarray) -> Rows:
    """Return some rows of a source.

    Args:
        source: Is not copied, but for the chosen rows of a sparse matrix.
        rows: Numbers of the rows, ``(m,)``, in any order.

    Raises:
        UserError: There is none, or one is not there.
    """
    count = source.shape[0]
    wrong = rows[(rows < 0) | (rows >= count)] if rows.ndim == 1 else rows[:0]
    if rows.ndim != 1 or not len(rows) or rows.dtype.kind not in 'iu' or len(wrong):
        raise UserError(
            f'rows of shape {rows.shape} and type {rows.dtype}'
            f'{f", {wrong[0]} among them," if len(wrong) else ""} do not choose points: numbers '
            f'from 0 to {count - 1}'
        )
    if isinstance(source, SparseRows):
        return SparseRows(source.matrix[rows])
    return ChosenRows(source, rows)


def open_rows(source: Any) -> Rows:
    """Open points, wherever they are.

    Args:
        source: An array ``(n, ...)``, a sparse matrix ``(n, d)``, a file (``.npy``, which is read
            where it lies; ``.npz`` of ``scipy.sparse.save_npz`` or of one array; idx, packed with
            gzip or not), or a list of files, whose points follow one another.

    Raises:
        UserError: A file cannot be read or holds no points, or the files differ in values a point.
    """
    if isinstance(source, str | Path):
        return _open_file(Path(source))
    if isinstance(source, list | tuple) and source and isinstance(source[0], str | Path):
        parts: list[Any] = [_open_file(Path(path)) for path in source]
        for path, part in zip(source, parts, strict=True):
            if part.shape[1] != parts[0].shape[1]:
                raise UserError(
                    f'a point of {path} has {part.shape[1]} values, one of {source[0]} '
                    f'{parts[0].shape[1]}: they must be of one kind'
                )
        if all(isinstance(part, SparseRows) for part in parts):
            return SparseRows(sparse.vstack([part.matrix for part in parts]))
        return JoinedRows(parts)
    if sparse.issparse(source):
        return SparseRows(source)
    return _of_array('the array', np.asarray(source))


def _open_file(path: Path) -> Rows:
    try:
        if is_idx(path):
            return _open_idx(path)
        if path.suffix == '.npy':
            return _open_npy(path)
        if path.suffix == '.npz':
            return _open_npz(path)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f'{path} cannot be read as points: {error}') from error
    raise UserError(f'{path} is of no kind that holds points: .npy, .npz or an idx file')


def _open_idx(path: Path) -> Rows:
    if path.suffix == '.gz':
        return _of_array(path, read_idx(path))
    dtype, shape, start = idx_layout(path)
    check_length(path, dtype, shape, path.stat().st_size, start)
    if len(shape) < 2:
        raise UserError(f'{path} holds one number a point: are these labels?')
    return FileRows(path, dtype, (shape[0], int(np.prod(shape[1:]))), start)


def _open_npy(path: Path) -> Rows:
    array = np.load(path, mmap_mode='r')
    _check_array(path, array)
    if not array.flags.c_contiguous:
        return ArrayRows(np.ascontiguousarray(array))
    shape = (len(array), int(np.prod(array.shape[1:])))
    return FileRows(path, array.dtype, shape, array.offset)


def _open_npz(path: Path) -> Rows:
    with np.load(path) as content:
        names = set(content.files)
        if not {'format', 'shape', 'data'} <= names:
            if len(names) != 1:
                raise UserError(
                    f'{path} holds {", ".join(sorted(names))}: points are one array (numpy.savez) '
                    'or a sparse matrix (scipy.sparse.save_npz); labels stand in a file of theirs'
                )
            return _of_array(path, content[names.pop()])
    return SparseRows(sparse.load_npz(path))


def _of_array(name: str | Path, array: np.ndarray) -> Rows:
    _check_array(name, array)
    return ArrayRows(array)


def _check_array(name: str | Path, array: np.ndarray) -> None:
    if array.ndim < 2 or not array.size or array.dtype.kind not in 'buif':
        raise UserError(
            f'{name} is of shape {array.shape} and type {array.dtype}: points are numbers in rows, '
            '(n, d) or (n, height, width)'
        )
