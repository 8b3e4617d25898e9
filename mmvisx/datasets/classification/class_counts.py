"""How many images each class has, and the weights that make up for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmvisx.utils.errors import UserError

__all__ = ['class_weights', 'read_labels']


def read_labels(dataset: Any) -> np.ndarray:
    """Return the label of every sample, ``(N,)`` int64, without loading an image.

    Takes a data set with ``get_gt_labels`` (mmpretrain's), or with MMEngine's ``get_data_info``
    whose entries have a ``gt_label``: wrappers such as ``ConcatDataset`` and ``RepeatDataset``.

    Raises:
        UserError: the data set has no labels, or several to an image.
    """
    try:
        if hasattr(dataset, 'get_gt_labels'):
            labels = list(dataset.get_gt_labels())
        else:
            labels = [dataset.get_data_info(i)['gt_label'] for i in range(len(dataset))]
    except (AttributeError, KeyError) as error:
        raise UserError(
            f'{type(dataset).__name__} does not say which class an image has (no gt_label), '
            'so its classes cannot be balanced'
        ) from error
    if any(np.ndim(label) for label in labels):
        raise UserError(
            f'{type(dataset).__name__} has several labels to an image; only data with one label '
            'to an image can be balanced'
        )
    return np.asarray(labels, dtype=np.int64)


def class_weights(counts: np.ndarray, power: float = 1.0) -> np.ndarray:
    """Return a loss weight for each class, larger for rare ones, ``(K,)`` to ``(K,)``.

    ``w_k = (N / (K n_k))^power``, scaled such that the mean weight of an image is 1, which keeps
    the size of the loss and with it the meaning of the learning rate. With ``power=1`` every
    class contributes the same; with 0 all weights are 1.

    Raises:
        UserError: a class has no image.
    """
    counts = np.asarray(counts, dtype=np.float64)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        raise UserError(f'class {empty[0]} has no image, so it cannot get a weight')
    weights = (counts.sum() / (len(counts) * counts)) ** power
    return weights * counts.sum() / (weights * counts).sum()
