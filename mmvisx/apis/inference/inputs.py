"""What an inferencer takes: paths, folders and arrays, one of them or many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmdet.apis.det_inferencer import IMG_EXTENSIONS

from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

__all__ = ['IMG_EXTENSIONS', 'Image', 'Inputs', 'expand', 'list_images', 'listed']

Image = str | Path | np.ndarray
Inputs = Image | Iterable[Image]


def list_images(item: str | Path) -> list[str]:
    """Return the path of an image, or those of the images in a folder, not in folders inside.

    Raises:
        UserError: There is no such file, or the folder holds no image.
    """
    if not str(item):
        raise UserError('an input is an empty path; give an image, a folder or an array')
    path = Path(item).expanduser()
    try:
        is_file = path.is_file()
    except OSError as error:  # a name of more letters than the file system has
        raise UserError(f'{str(path)[:60]}...: no such image or folder: {error.strerror}') from None
    if is_file or '://' in str(item):
        return [str(item) if '://' in str(item) else str(path)]
    if not path.is_dir():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f'{path}: no such image or folder{similar(path.name, siblings)}')
    images = sorted(
        p for p in path.iterdir() if p.suffix.lower() in IMG_EXTENSIONS and not p.is_dir()
    )
    if not images:
        raise UserError(f'folder {path} holds no image ({", ".join(IMG_EXTENSIONS)})')
    return [str(p) for p in images]


def expand(item: Image) -> Sequence[str | np.ndarray]:
    """Return the images of one input: paths, or the array itself.

    Raises:
        UserError: It is neither a path to images nor an array ``(H, W, 3)`` uint8.
    """
    if isinstance(item, str | Path):
        return list_images(item)
    if not isinstance(item, np.ndarray):
        raise UserError(f'an input is a {type(item).__name__}; give paths or arrays')
    if item.ndim != 3 or item.shape[2] != 3 or item.dtype != np.uint8 or not item.size:
        raise UserError(
            f'an image array has shape {item.shape} and type {item.dtype}; it should be '
            '(height, width, 3) uint8 in BGR order, as cv2.imread gives it'
        )
    return [item]


def listed(inputs: Inputs) -> list[str | np.ndarray] | Iterator[Image]:
    """Return the images of all inputs, or, of a generator, what it gives, one at a time.

    A list is looked through before the first image is read, so that a misspelt path is an error
    at once. Whatever else can be iterated over may be long, like a video, and is not.

    Raises:
        UserError: An input of a list is none (:func:`expand`), or ``inputs`` is nothing of all
            that.
    """
    if isinstance(inputs, str | Path | np.ndarray):
        inputs = [inputs]
    if not isinstance(inputs, Iterable) or isinstance(inputs, bytes | Mapping):
        raise UserError(f'an input is a {type(inputs).__name__}; give paths or arrays')
    if isinstance(inputs, Sequence):
        return [image for item in inputs for image in expand(item)]
    return iter(inputs)
