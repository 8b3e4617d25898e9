"""Files that annotations name, which may come from strangers: they stay inside the data root."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import UserError
from .trust import ALLOW_OUTSIDE, is_set

__all__ = ['check_inside']


def check_inside(paths: Iterable[str], roots: Iterable[str | Path], source: str | Path) -> None:
    """Refuse paths that lead out of all the folders that the user has given.

    Only what is written counts: links are followed wherever they lead, as who may set one on this
    machine needs no annotations.

    Args:
        paths: Joined to their folder.
        roots: The folders; empty ones are left out.
        source: What names the paths, for the message.

    Raises:
        UserError: One is outside, and ``--allow-outside`` is not given.
    """
    folders = [os.path.abspath(root) for root in roots if str(root)]
    starts = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
    outside = [path for path in paths if not os.path.abspath(path).startswith(starts)]
    if outside and not is_set(ALLOW_OUTSIDE):
        raise UserError(
            f'{source} names {len(outside)} files outside of {" and ".join(folders)} (first: '
            f'{outside[0]}): annotations of somebody else could have any file read. Set data_root '
            'to a folder that holds them all, or, if you know who made the annotations, '
            'allow_outside=True of the data set (--allow-outside on the command line)'
        )
