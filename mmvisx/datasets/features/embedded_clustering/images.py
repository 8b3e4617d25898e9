"""Pictures as vectors: those of a folder, and STL-10's binaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmvisx.datasets.image_file import image_fault
from mmvisx.datasets.segmentation.seg_files import IMAGE_SUFFIXES
from mmvisx.utils.errors import UserError

__all__ = [
    'Pictures',
    'list_pictures',
    'picture_vectors',
    'pixels',
    'read_picture',
    'read_stl_images',
    'read_stl_labels',
]

STL_SHAPE = (3, 96, 96)


class Pictures(NamedTuple):
    """The pictures of a folder.

    Attributes:
        files: In the order of their names.
        labels: Class folder of each, or ``None``.
    """

    files: list[Path]
    labels: list[str] | None


def list_pictures(folder: str | Path) -> Pictures:
    """Return the pictures of a folder and all folders inside.

    Where all of them lie in folders of the folder, and these are two or more, they are classes.

    Raises:
        UserError: The folder is not there or has no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f'{folder} is no folder of pictures')
    files = sorted(
        path
        for path in folder.rglob('*')
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.is_dir()
        and not any(part[0] == '.' for part in path.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f'{folder} has no picture ({", ".join(IMAGE_SUFFIXES)})')
    tops = [path.relative_to(folder).parts[:-1] for path in files]
    labels = [top[0] for top in tops] if all(tops) else []
    return Pictures(files, labels if len(set(labels)) > 1 else None)


def read_picture(path: str | Path) -> np.ndarray | str:
    """Return a picture, ``(H, W, 3)`` uint8 with blue first, or what is wrong with its file."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return f'cannot be read ({error.strerror})'
    fault = image_fault(content)
    if fault is not None:
        return fault
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return 'is no image' if image is None else image


def pixels(image: np.ndarray, grey: bool = False) -> np.ndarray:
    """Return the pixels of a picture ``(H, W, 3)``, red first, or their brightness, ``(d,)``."""
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY if grey else cv2.COLOR_BGR2RGB).ravel()


def picture_vectors(
    files: Iterable[Path],
    describe: Callable[[np.ndarray], np.ndarray],
    size: int | None = None,
) -> tuple[np.ndarray, list[int], list[str]]:
    """Return vectors of pictures ``(n, d)``, their places among the files, and what was skipped.

    Args:
        files: Of the pictures; broken ones are skipped.
        describe: Makes the vector of a picture.
        size: Side that pictures are resized to first.

    Raises:
        UserError: No file can be read, or the pictures are of different sizes.
    """
    found: list[np.ndarray] = []
    kept: list[int] = []
    skipped: list[str] = []
    for place, path in enumerate(files):
        image = read_picture(path)
        if isinstance(image, str):
            skipped.append(f'{path}: {image}')
            continue
        if size is not None and image.shape[:2] != (size, size):
            image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        vector = describe(image)
        if found and len(vector) != len(found[0]):
            raise UserError(
                f'{path} of {image.shape[1]}x{image.shape[0]} pixels has {len(vector)} values, '
                f'those before it {len(found[0])}: name a size for all'
            )
        found.append(vector)
        kept.append(place)
    if not found:
        raise UserError(f'none of {len(skipped)} pictures can be read; the first: {skipped[0]}')
    return np.stack(found), kept, skipped


def read_stl_images(path: str | Path) -> Iterator[np.ndarray]:
    """Yield the pictures of a binary of STL-10, ``(96, 96, 3)`` uint8 with blue first.

    Args:
        path: ``train_X.bin``, ``test_X.bin`` or ``unlabeled_X.bin``, which is read bit by bit.

    Raises:
        UserError: It is missing, or its length is not that of whole pictures.
    """
    path = Path(path)
    length = int(np.prod(STL_SHAPE))
    if not path.is_file() or not path.stat().st_size or path.stat().st_size % length:
        size = path.stat().st_size if path.is_file() else 'no'
        raise UserError(
            f'{path} has {size} bytes, not a number of pictures of {length}: is it a binary of '
            'STL-10, and whole?'
        )
    with path.open('rb') as file:
        while content := file.read(length):
            # Red, green and blue planes, each column by column
            yield np.frombuffer(content, np.uint8).reshape(STL_SHAPE).transpose(2, 1, 0)[..., ::-1]


def read_stl_labels(path: str | Path, count: int) -> np.ndarray:
    """Return the classes of a binary of STL-10 from 0, ``(count,)``.

    Raises:
        UserError: It is missing, of another length, or holds what is no class.
    """
    if not Path(path).is_file():
        raise UserError(f'{path} is not there')
    labels = np.fromfile(path, np.uint8).astype(np.int64) - 1
    if len(labels) != count or labels.min() < 0 or labels.max() > 9:
        raise UserError(
            f'{path} has {len(labels)} labels from {labels.min() + 1} to {labels.max() + 1} for '
            f'{count} pictures: one from 1 to 10 for each'
        )
    return labels
