"""Flips of label maps in which left becomes right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from mmseg.datasets.transforms import RandomFlip as _RandomFlip

from mmvisx.registry import TRANSFORMS

__all__ = ['RandomFlip', 'swap_labels']

_FIELD = 'gt_seg_map'


@TRANSFORMS.register_module()
class RandomFlip(_RandomFlip):
    """mmseg's flip; labels that a mirror exchanges, a left and a right arm, change places.

    Which labels do is known to the data set (``mirrored_labels``, see
    :class:`mmvisx.datasets.segmentation.seg_checked.CheckedSegDataset`), so that each map of a
    :class:`mmvisx.MultiTaskDataset` has its own pairs. mmcv's ``swap_seg_labels`` acts on all
    maps of an image alike, and also where the image is turned by 180 degrees ("diagonal"), after
    which left is still left.

    Args:
        **kwargs: ``prob`` and ``direction``, as in mmcv.

    Source: 002, Table 3.2 (D2, whose parts have a left and a right).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def _flip(self, results: dict[str, Any]) -> None:
        super()._flip(results)
        if results['flip_direction'] == 'diagonal':
            return
        tasks = results.get('task_maps', {})
        infos = {f'{_FIELD}_{task}': info for task, info in tasks.items()} or {_FIELD: results}
        for field, info in infos.items():
            if field in results:
                results[field] = swap_labels(results[field], info.get('mirrored_labels', ()))


def swap_labels(labels: np.ndarray, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Return ``labels``, ``(H, W)``, with the two numbers of each pair exchanged."""
    swapped = labels.copy()
    for one, other in pairs:
        swapped[labels == one] = other
        swapped[labels == other] = one
    return swapped
