"""Which image belongs to which label map."""

from __future__ import annotations

import os
from pathlib import Path

from mmvisx.utils.errors import UserError

__all__ = ['IMAGE_SUFFIXES', 'find_files', 'find_images']

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


def find_files(folder: str | Path, suffixes: tuple[str, ...]) -> dict[str, str]:
    """Return ``{name without ending: path}`` of a folder's files, sorted by name.

    Files of sub-folders have these in their names; hidden files are left out. Capital letters of
    endings do not matter.

    Raises:
        UserError: The folder does not exist, or two files differ in their endings only.
    """
    if not os.path.isdir(folder):
        raise UserError(f'the folder {folder} does not exist')
    found: dict[str, str] = {}
    for root, _, files in os.walk(folder):
        for file in files:
            stem, ending = os.path.splitext(file)
            if file[0] == '.' or ending.lower() not in suffixes:
                continue
            path = os.path.join(root, file)
            name = os.path.relpath(os.path.join(root, stem), folder)
            if name in found:
                raise UserError(f'{found[name]} and {path} have one name: which is it? Remove one')
            found[name] = path
    return dict(sorted(found.items()))


def find_images(folder: str | Path, maps: str | Path | None, map_suffix: str) -> dict[str, str]:
    """Return ``{name without ending: path}`` of the images of a folder, of any usual format.

    In a folder of both images and label maps, what ends in ``map_suffix`` is no image.

    Raises:
        UserError: See :func:`find_files`.
    """
    same = maps is not None and os.path.abspath(folder) == os.path.abspath(maps)
    return find_files(folder, tuple(s for s in IMAGE_SUFFIXES if not (same and s == map_suffix)))
