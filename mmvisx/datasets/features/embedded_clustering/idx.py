"""idx files, in which MNIST comes: a header of sizes, then the numbers."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from mmvisx.utils.errors import UserError

__all__ = ['idx_layout', 'is_idx', 'read_idx']

# Third byte of the file -> its numbers, the highest byte first.
_TYPES = {0x08: 'u1', 0x09: 'i1', 0x0B: '>i2', 0x0C: '>i4', 0x0D: '>f4', 0x0E: '>f8'}


def is_idx(path: str | Path) -> bool:
    """Whether a file is named as idx files are: ``train-images-idx3-ubyte.gz``, ``a.idx``."""
    name = Path(path).name.removesuffix('.gz')
    return name.endswith('.idx') or '-idx' in name or '.idx' in name


def idx_layout(path: str | Path) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return type, shape and first byte of the numbers of an idx file.

    Raises:
        UserError: The file cannot be read or is no idx file.
    """
    with _opened(path) as file:
        return _layout(path, file)


def read_idx(path: str | Path) -> np.ndarray:
    """Return what an idx file holds, of the shape that it says.

    Args:
        path: The file; one that ends in ``.gz`` is unpacked in memory.

    Raises:
        UserError: The file cannot be read, is no idx file, or is shorter or longer than it says.
    """
    try:
        with _opened(path) as file:
            dtype, shape, start = _layout(path, file)
            content = file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f'{path} is cut short or damaged ({error}): fetch it again') from error
    check_length(path, dtype, shape, start + len(content), start)
    return np.frombuffer(content, dtype).reshape(shape)


def check_length(
    path: str | Path, dtype: np.dtype, shape: tuple[int, ...], length: int, start: int
) -> None:
    """Refuse a file whose length is not that of its numbers, which begin at ``start``.

    Raises:
        UserError: It is shorter or longer.
    """
    wanted = start + dtype.itemsize * math.prod(shape)
    if length != wanted:
        size = 'x'.join(map(str, shape))
        raise UserError(
            f'{path} should have {wanted} bytes for {size} numbers, it has {length}: '
            f'{"it is cut short, " if length < wanted else ""}fetch it again'
        )


def _opened(path: str | Path) -> Any:
    try:
        return gzip.open(path) if str(path).endswith('.gz') else open(path, 'rb')
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}') from error


def _layout(path: str | Path, file: IO[Any]) -> tuple[np.dtype, tuple[int, ...], int]:
    try:
        magic = file.read(4)
        sizes = file.read(4 * magic[3]) if len(magic) == 4 else b''
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f'{path} is cut short or damaged ({error}): fetch it again') from error
    if len(magic) < 4 or magic[:2] != b'\0\0' or magic[2] not in _TYPES or not magic[3]:
        raise UserError(
            f'{path} is no idx file: it begins with {magic.hex(" ") or "nothing"}, where 00 00, a '
            'type from 08 to 0e and the number of dimensions should stand'
        )
    if len(sizes) < 4 * magic[3]:
        raise UserError(f'{path} is cut short within its header: fetch it again')
    shape = tuple(int(size) for size in np.frombuffer(sizes, '>u4'))
    return np.dtype(_TYPES[magic[2]]), shape, 4 + len(sizes)
