"""Pictures of points: out of their own pixels, or out of the folder that they were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvisx.datasets import VectorDataset
from mmvisx.datasets.features.embedded_clustering.idx import idx_layout, is_idx
from mmvisx.datasets.features.embedded_clustering.images import read_picture
from mmvisx.utils.errors import UserError

__all__ = ['picture_shape', 'thumbnails']

SIDE = 96  # of a picture of a folder, in pixels
LOOK = 1000  # points whose smallest and largest value are black and white


def thumbnails(
    dataset: VectorDataset,
    source: Any,
    folder: str | Path | None = None,
    shape: Sequence[int] | None = None,
) -> Callable[[int], np.ndarray | str]:
    """Return what gives the picture of a point, RGB ``(H, W, 3)`` or grey ``(H, W)`` uint8.

    Points without a picture get their file's name where ``files.txt`` stands beside the points (as
    ``tools/datasets/images_to_vectors.py`` writes it), else their number.

    Args:
        dataset: The points.
        source: What it reads.
        folder: Of the pictures that ``files.txt`` names.
        shape: Height, width and, of colours, 3: of the pixels that a point consists of. By default
            what idx files and arrays of more than two dimensions say.

    Raises:
        UserError: The shape does not fit a point, or there is no list of as many files as points.
    """
    if folder is not None:
        return _OfFolder(Path(folder), _listed(source, len(dataset), folder))
    shape = picture_shape(source) if shape is None else tuple(shape)
    if shape is not None:
        if int(np.prod(shape)) != dataset.channels or len(shape) not in (2, 3):
            raise UserError(
                f'--shape {" ".join(map(str, shape))} does not fit a point of {dataset.channels} '
                'values: give height and width, and 3 for colours'
            )
        return _OfPixels(dataset, shape)
    names = _files(source)
    return lambda point: Path(names[point]).name if len(names) == len(dataset) else f'{point}'


def picture_shape(source: Any) -> tuple[int, ...] | None:
    """Return height, width and colours of points that are stored as pictures, else ``None``.

    Args:
        source: As ``data`` of :class:`mmvisx.VectorDataset`.
    """
    first = source[0] if isinstance(source, list | tuple) else source
    if not isinstance(first, str | Path):
        found = np.shape(first)
    elif is_idx(Path(first)):
        found = idx_layout(Path(first))[1]
    elif str(first).endswith('.npy'):
        found = np.load(first, mmap_mode='r').shape
    else:
        return None
    return tuple(found[1:]) if len(found) == 3 or (len(found) == 4 and found[3] == 3) else None


class _OfPixels:
    def __init__(self, dataset: VectorDataset, shape: tuple[int, ...]) -> None:
        self.dataset, self.shape = dataset, shape
        some = dataset.read(np.arange(min(LOOK, len(dataset))))
        self.low, self.range = float(some.min()), float(np.ptp(some)) or 1.0

    def __call__(self, point: int) -> np.ndarray:
        values = (self.dataset.read(np.array([point]))[0] - self.low) / self.range
        return np.rint(255 * values.clip(0, 1)).astype(np.uint8).reshape(self.shape)


class _OfFolder:
    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        self.folder, self.files = folder, files

    def __call__(self, point: int) -> np.ndarray:
        path = self.folder / self.files[point]
        image = read_picture(path)
        if isinstance(image, str):
            raise UserError(f'{path} {image}: is {self.folder} the folder of the pictures?')
        share = SIDE / max(image.shape[:2])
        size = (max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share)))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)[..., ::-1]


def _files(source: Any) -> list[str]:
    first = source[0] if isinstance(source, list | tuple) and len(source) == 1 else source
    listed = Path(first).parent / 'files.txt' if isinstance(first, str | Path) else None
    if listed is None or not listed.is_file():
        return []
    return listed.read_text('utf-8').splitlines()


def _listed(source: Any, count: int, folder: str | Path) -> list[str]:
    names = _files(source)
    if len(names) != count:
        raise UserError(
            f'--pictures {folder}: files.txt beside the points names {len(names)} pictures of '
            f'{count} points; tools/datasets/images_to_vectors.py writes it'
        )
    return names
