"""Arrays as files, which are either what they were or what they shall be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .files import writing

__all__ = ['write_array']


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array of any shape ``(...)`` as ``.npy`` at once or not at all.

    ``np.save`` writes past the file object, and does not notice that a disk is full when what
    remains is smaller than a buffer.

    Raises:
        UserError: There is no room, or the folder may not be written to.
    """
    array = np.ascontiguousarray(array)
    with writing(path, 'wb', array.nbytes) as file:
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(array)
