"""Labelled and unlabelled images together, whose unlabelled part keeps its labels to itself.

Vocabulary: S are the labelled images, U the unlabelled ones, D = S and U.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .class_counts import read_labels
from .semi_supervised_choice import chosen_images, has_maps, image_names
from .semi_supervised_sizes import OneSize

__all__ = ['UNLABELLED', 'LabelledImages', 'SemiSupervised']

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
        chosen = chosen_images(whole, labelled)
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
        chosen = chosen_images(self._whole, labelled)
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
