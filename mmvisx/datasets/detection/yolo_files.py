"""Which file of labels belongs to which image of a YOLO data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mmvisx.utils import UserError
from mmvisx.utils.text import similar
from mmvisx.utils.yolo_file import YoloData, label_path

from .image_list import check_stems, images_of

__all__ = ['has_labels', 'image_labels', 'split_labels', 'strays']

# What tools write beside the labels.
NO_LABELS = ('classes.txt', 'labels.txt', 'notes.txt')


def split_labels(yaml: str | os.PathLike, data: YoloData, split: str) -> list[tuple[Path, Path]]:
    """Images of a split of a ``data.yaml``, and where their labels would be.

    Raises:
        UserError: There is no such split, or see :func:`image_labels`.
    """
    if split not in data.splits:
        near = similar(split, data.splits)
        raise UserError(
            f'{yaml} has no split {split!r}{near}: add it, or use one of {", ".join(data.splits)}'
        )
    return image_labels(data.splits[split], data.root)


def image_labels(places: Sequence[Path], root: Path | None = None) -> list[tuple[Path, Path]]:
    """Images of folders and lists, in their order, and where the labels of each would be.

    Args:
        places: The folders, and lists (``.txt``, a path a line).
        root: What the lines of a list may be relative to, besides the folder of the list.

    Raises:
        UserError: A place or an image of a list is missing, a place has no image, two images would
            have the same labels, or (not with lists) a file of labels has no image.
    """
    images = images_of(places, root)
    check_stems(images, 'file of labels')
    pairs = [(image, label_path(image)) for image in images]
    if all(place.is_dir() for place in places):
        for path, image in strays(pairs):
            raise UserError(
                f'file of labels {path} has no image {image}.*: restore the image or remove the '
                'labels'
            )
    return pairs


def strays(pairs: Sequence[tuple[Path, Path]]) -> list[tuple[str, Path]]:
    """Files of labels, beside those of some images, that have no image, and where it would be.

    Args:
        pairs: All images of their folders, and where the labels of each would be.
    """
    known = {str(label) for _, label in pairs}
    found = []
    for folder, images in {label.parent: image.parent for image, label in pairs}.items():
        if folder == images or not folder.is_dir():
            continue
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if name.endswith('.txt') and name not in NO_LABELS and path not in known:
                found.append((path, images / name[:-4]))
    return found


def has_labels(images: Path) -> bool:
    """Whether a folder of images has labels beside it, in the folder ``labels`` for ``images``."""
    return 'images' in images.resolve().parts and (
        label_path(images.resolve() / 'a.jpg').parent.is_dir()
    )
