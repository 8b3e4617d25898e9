"""Draw the samples of segmentors and classifiers: label maps, or images with their class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

from mmvisx.utils.errors import UserError

from .browse_dataset import to_picture
from .segmentation_tasks import draw_tasks, tasks_of

__all__ = ['draw_class', 'draw_masks']

_LEAST = 160  # pixels, so that the name can be read
_FONT, _SCALE, _ROW = cv2.FONT_HERSHEY_SIMPLEX, 0.45, 22


def draw_masks(data: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """Draw the label maps of a packed sample over the image, and legends, RGB uint8.

    The tasks that the image is annotated for stand side by side.

    Args:
        data: ``inputs`` and ``data_samples``, what the last transform of a pipeline gives.
        meta: ``metainfo`` of the data set, for names and colours of the classes.

    Raises:
        UserError: The sample has no label map.
    """
    sample = data.get('data_samples')
    labels = {}
    for task in tasks_of(meta):
        field = f'gt_sem_seg_{task.name}' if task.name else 'gt_sem_seg'
        if isinstance(sample, SegDataSample) and field in sample:
            labels[task.name] = sample.get(field).data[0].numpy()
    if not labels:
        raise UserError(
            'the pipeline does not end in a segmentation sample with labels: it should load label '
            'maps (mmvisx.LoadSegAnnotations) and end with PackSegInputs'
        )
    tasks = [task for task in tasks_of(meta) if task.name in labels]
    return draw_tasks(to_picture(data['inputs']), labels, tasks)


def draw_class(data: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """Draw the image of a packed sample and the name of its class below it, RGB uint8.

    Images smaller than 160 pixels are enlarged by a whole number.

    Args:
        data: ``inputs`` and ``data_samples``, what the last transform of a pipeline gives.
        meta: ``metainfo`` of the data set, for the names of the classes.

    Raises:
        UserError: The sample has no class.
    """
    sample = data.get('data_samples')
    if not isinstance(sample, DataSample) or 'gt_label' not in sample:
        raise UserError(
            'the pipeline does not end in a classification sample with a label: it should end '
            'with PackInputs'
        )
    names = meta.get('classes')
    text = ', '.join(str(names[k]) if names else str(k) for k in sample.gt_label.tolist())
    picture = to_picture(data['inputs'])
    times = -(-_LEAST // max(picture.shape[:2]))
    picture = picture.repeat(times, axis=0).repeat(times, axis=1)
    wide = cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0] + 12
    more = max(wide - picture.shape[1], 0)
    picture = np.pad(picture, ((0, _ROW), (0, more), (0, 0)), constant_values=255)
    picture[-_ROW:] = 255
    cv2.putText(picture, text, (6, len(picture) - 7), _FONT, _SCALE, (0, 0, 0), 1, cv2.LINE_AA)
    return picture
