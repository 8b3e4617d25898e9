"""Which images of a data set are labelled: on a list, or drawn.

A *name* of an image is its path below the data set's folder, or its number where it has no file of
its own (CIFAR).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.utils.errors import UserError

from .class_counts import read_labels

__all__ = [
    'chosen_images',
    'draw_images',
    'has_maps',
    'image_names',
    'read_names',
    'stratified_split',
]


def chosen_images(dataset: Any, labelled: str | int) -> np.ndarray:
    """Return the images that are labelled, sorted indices.

    Args:
        dataset: Of images with a label each, or with a label map.
        labelled: A file with a list, or how many: of each class, with label maps of all.

    Raises:
        UserError: no image is labelled, a name is unknown or stands there twice, or there are fewer
            images.
    """
    if isinstance(labelled, int):
        if has_maps(dataset):
            return draw_images(len(dataset), labelled, seed=0)
        return stratified_split(read_labels(dataset), labelled, seed=0)
    wanted = read_names(labelled)
    if not wanted:
        raise UserError(f'no image is labelled: the list {labelled} is empty')
    places = {name: index for index, name in enumerate(image_names(dataset))}
    for name in wanted:
        if name not in places:
            raise UserError(
                f'{labelled}: {name} is no image of the data set, which has {len(places)}, '
                f'{next(iter(places))} for example'
            )
    return np.sort([places[name] for name in wanted])


def image_names(dataset: Any) -> list[str]:
    """Return the names of a data set's images."""
    prefix = getattr(dataset, 'data_prefix', {})
    root = Path(getattr(dataset, 'img_prefix', '') or prefix.get('img_path') or '.')
    names = []
    for index in range(len(dataset)):
        path = dataset.get_data_info(index).get('img_path')
        names.append(str(index) if path is None else Path(path).relative_to(root).as_posix())
    return names


def read_names(path: str | Path) -> list[str]:
    """Read a list of images, a name a line; empty lines and comments after ``#`` do not count.

    Raises:
        UserError: there is no such file, or a name stands there twice.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except FileNotFoundError:
        raise UserError(
            f'list of labelled images {path} does not exist: write one with '
            'mmvisx dataset split-labels'
        ) from None
    names = [line.strip() for line in lines if line.strip() and not line.startswith('#')]
    name, times = (Counter(names).most_common(1) or [('', 0)])[0]
    if times > 1:
        raise UserError(f'{path}: {name} stands there {times} times; once is enough')
    return names


def stratified_split(labels: np.ndarray, per_class: int | float, seed: int) -> np.ndarray:
    """Draw images of each class, sorted indices.

    Args:
        labels: ``(N,)``.
        per_class: How many of each class; below 1 which share of each class, rounded.
        seed: Of the choice; a class's does not depend on the other classes.

    Raises:
        UserError: a class has fewer images, or none would be drawn of it.
    """
    parts = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = round(per_class * len(members)) if per_class < 1 else int(per_class)
        if not 0 < count <= len(members):
            raise UserError(
                f'{count} labelled images of class {label}, which has {len(members)}: there '
                'should be 1 or more'
            )
        parts.append(np.random.default_rng([seed, label]).choice(members, count, replace=False))
    return np.sort(np.concatenate(parts))


def has_maps(dataset: Any) -> bool:
    """Return whether images have label maps instead of a label."""
    return 'seg_map_path' in dataset.get_data_info(0)


def draw_images(images: int, count: int | float, seed: int) -> np.ndarray:
    """Draw images whose label maps are used, sorted indices.

    Args:
        images: Of how many.
        count: How many; below 1 which share of all, rounded.
        seed: Of the choice.

    Raises:
        UserError: there are fewer images, or none would be drawn.
    """
    number = round(count * images) if count < 1 else int(count)
    if not 0 < number <= images:
        raise UserError(f'{number} labelled images of {images}: there should be 1 or more')
    return np.sort(np.random.default_rng(seed).choice(images, number, replace=False))
