"""What all formats of boxes and outlines have in common; everything else is counted as lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mmvisx.datasets.image_file import file_size, size_fault
from mmvisx.utils import UserError

__all__ = ['FORMATS', 'Content', 'Picture', 'Place', 'Thing', 'folder_of', 'safe_name',
           'true_size']  # fmt: skip

FORMATS = ('coco', 'voc', 'yolo', 'labelme')
# Puts an image, the first path, to the second one.
Place = Callable[[Path, Path], None]


@dataclass
class Thing:
    """An object.

    Attributes:
        name: Its class.
        box: Left, top, right, bottom in pixels.
        outlines: A polygon for each part, x1, y1, x2, y2, ... in pixels; none of a box.
        crowd: Whether it is a region of many objects, to be left out of training.
        difficult: Whether evaluation leaves it out.
    """

    name: str
    box: tuple[float, float, float, float]
    outlines: list[list[float]] = field(default_factory=list)
    crowd: bool = False
    difficult: bool = False


@dataclass
class Picture:
    """An image and its objects.

    Attributes:
        path: Of the file.
        name: In its split, with ``/``.
        size: Width and height in pixels, as it is loaded.
        things: Its objects.
    """

    path: Path
    name: str
    size: tuple[int, int]
    things: list[Thing] = field(default_factory=list)


@dataclass
class Content:
    """A data set.

    Attributes:
        classes: In their order.
        splits: Images by the name of their split, in their order.
        lost: What the format it goes to cannot hold, and how often.
    """

    classes: list[str]
    splits: dict[str, list[Picture]]
    lost: Counter[str] = field(default_factory=Counter)


def folder_of(source: Path) -> Path:
    """Return the folder of a data set that is given by a folder or by a file in it."""
    return source if source.is_dir() else source.parent


def safe_name(name: str) -> str:
    """Return a file's name in its split, which cannot lead out of a folder."""
    path = PurePosixPath(name.replace('\\', '/'))
    if path.is_absolute() or '..' in path.parts:
        return path.name
    return str(path)


def true_size(path: Path, annotated: tuple[float, float] | None, where: Path) -> tuple[int, int]:
    """Width and height of an image as it is loaded.

    Args:
        path: Of the image.
        annotated: Width and height that its annotations give.
        where: The file of the annotations.

    Raises:
        UserError: The image is missing, or of another size: no label would be at its place.
    """
    if not path.is_file():
        raise UserError(f'{where}: there is no image {path}: restore it or remove its annotations')
    size = file_size(path)
    if annotated is not None and annotated != size:
        fault = size_fault(path.read_bytes(), annotated, size)
        raise UserError(f'{where}: image {path}: {fault}')
    return size
