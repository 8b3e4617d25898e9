"""Labelled and unlabelled images together, whose unlabelled part keeps its labels to itself.

Vocabulary: S are the labelled images, U the unlabelled ones, D = S and U. A *name* of an image is
its path below the data set's folder, or its number where it has no file of its own (CIFAR).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .class_counts import read_labels
from .semi_supervised_sizes import OneSize

__all__ = [
    'UNLABELLED',
    'LabelledImages',
    'SemiSupervised',
    'draw_images',
    'has_maps',
    'image_names',
    'read_names',
    'stratified_split',
]

UNLABELLED = -1
"""What stands in the place of an unlabelled image's label."""


@DATASETS.register_module()
class SemiSupervised(Dataset):
    """A data set of which only the images on a list keep their labels.

    The first :attr:`num_labelled` images are S, the others U. Those come out with the label
    :data:`UNLABELLED`, or without a label map, and without its name, where images have one each;
    nothing that the pipeline or anybody else gets says what they are.
    For training with :class:`mmvisx.BundleBatchSampler`.

    Label maps are loaded by ``mmvisx.LoadSegAnnotations``; transforms that choose by them, like
    ``cat_max_ratio`` of mmseg's ``RandomCrop``, cannot be in the pipeline.

    Args:
        dataset: Config of a data set with one label to an image (``mmvisx.ImageFolder``,
            mmpretrain's ``CIFAR10``), or with a label map (``mmvisx.SegmentationDataset``).
        labelled: A file with the name of a labelled image a line (``mmvisx dataset
            split-labels`` writes one); a number says how many of each class are labelled, with
            label maps how many of all, drawn with the seed 0.
        unlabelled: Config of a data set that U is taken from; a file there needs no label, so
            ``with_label=False`` or a ``data_prefix`` without ``seg_map_path`` does. By default U
            is the rest of ``dataset``.
        times: How often each labelled image comes in an epoch: with few, a batch gets more of
            them than their share of D.

    Attributes:
        num_labelled: Size of S, ``times`` times.

    Raises:
        UserError: no image is labelled, a name on the list is unknown or stands there twice, U is
            empty, a labelled file is also in U, or ``times`` is not positive; an image that comes
            out of the pipeline is not as large as the one before.
    """

    def __init__(
        self, dataset: dict, labelled: str | int, unlabelled: dict | None = None, times: int = 1
    ) -> None:
        _check_times(times)
        whole = DATASETS.build(dataset)
        chosen = _chosen(whole, labelled)
        self.labels = _labels_of(whole, chosen)
        if unlabelled is None:
            other, rest = whole, np.setdiff1d(np.arange(len(whole)), chosen)
        else:
            other = _build_unlabelled(unlabelled)
            rest = np.arange(len(other))
            _check_apart(whole, chosen, other)
        if not len(rest):
            raise UserError(
                f'no image is unlabelled: all {len(whole)} are on the list {labelled}. Shorten '
                'it, or name a data set with unlabelled='
            )
        self._parts = (whole, np.tile(chosen, times)), (other, rest)
        self.num_labelled = times * len(chosen)
        self._one_size = OneSize()
        self._hidden = 'seg_map_path' if has_maps(whole) else 'gt_label'
        self.metainfo: dict[str, Any] = whole.metainfo
        print_log(f'{len(chosen)} labelled and {len(rest)} unlabelled images', 'current')

    def __len__(self) -> int:
        return sum(len(indices) for _, indices in self._parts)

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Return what is known of an image before its pipeline."""
        is_labelled = index < self.num_labelled
        dataset, indices = self._parts[not is_labelled]
        place = index if is_labelled else index - self.num_labelled
        info: dict[str, Any] = dataset.get_data_info(int(indices[place]))
        info['sample_idx'] = index
        if not is_labelled:
            info[self._hidden] = UNLABELLED if self._hidden == 'gt_label' else None
        return info

    def names(self) -> list[str]:
        """Return the names of all images, those of S first."""
        return [n for data, places in self._parts for n in np.array(image_names(data))[places]]

    def __getitem__(self, index: int) -> Any:
        info = self.get_data_info(index)
        path = str(info.get('img_path') or f'image {index}')
        sample = self._parts[index >= self.num_labelled][0].pipeline(info)
        if 'gt_label' in info:  # preprocessors of segmentation make sizes equal
            self._one_size(sample, path)
        return sample


@DATASETS.register_module()
class LabelledImages(Dataset):
    """S alone, for training on labels alone, over and over.

    Args:
        dataset: As of :class:`SemiSupervised`.
        labelled: As of :class:`SemiSupervised`, and the same images.
        times: How often each image comes in an epoch; 20 for 5 % of labels makes an epoch as
            long as one of :class:`SemiSupervised`.

    Raises:
        UserError: no image is labelled, a name on the list is unknown or stands there twice, or
            ``times`` is not positive.

    Source: 001, 3.2.5.3 and Table 3-III, "10% Supervised".
    """

    def __init__(self, dataset: dict, labelled: str | int, times: int = 1) -> None:
        _check_times(times)
        self._whole = DATASETS.build(dataset)
        chosen = _chosen(self._whole, labelled)
        self._indices = np.tile(chosen, times)
        self.labels = _labels_of(self._whole, chosen)
        self.metainfo: dict[str, Any] = self._whole.metainfo

    def __len__(self) -> int:
        return len(self._indices)

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Return what is known of an image before its pipeline."""
        info: dict[str, Any] = self._whole.get_data_info(int(self._indices[index]))
        info['sample_idx'] = index
        return info

    def __getitem__(self, index: int) -> Any:
        return self._whole.pipeline(self.get_data_info(index))


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


def _labels_of(dataset: Any, chosen: np.ndarray) -> np.ndarray | None:
    """Return the labels of images ``(N,)``, None for label maps, which would all be read."""
    if has_maps(dataset):
        return None
    labels = read_labels(dataset)[chosen]
    _warn_of_empty_classes(labels, dataset.metainfo.get('classes'))
    return labels


def _build_unlabelled(config: dict) -> Any:
    try:
        return DATASETS.build(config)
    except RuntimeError as error:  # of mmpretrain, for a folder without images
        raise UserError(f'no image is unlabelled: {error}') from error


def _check_times(times: int) -> None:
    if times < 1:
        raise UserError(f'times={times!r} of the labelled images should be 1 or more')


def _chosen(dataset: Any, labelled: str | int) -> np.ndarray:
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


def _warn_of_empty_classes(labels: np.ndarray, classes: Sequence[str] | None) -> None:
    missing = [name for label, name in enumerate(classes or ()) if label not in labels]
    if missing:
        print_log(
            f'no image of {", ".join(missing)} is labelled: no view can learn the class',
            'current',
            logging.WARNING,
        )


def _check_apart(dataset: Any, chosen: np.ndarray, other: Any) -> None:
    files = {Path(dataset.get_data_info(int(i)).get('img_path', '')).absolute() for i in chosen}
    for index in range(len(other)):
        path = other.get_data_info(index).get('img_path')
        if path is not None and Path(path).absolute() in files:
            raise UserError(
                f'{path} is labelled and also among the unlabelled images: take it out of one'
            )
