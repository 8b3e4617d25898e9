"""Pictures of training samples, as they come out of the pipeline; of boxes with their weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import BaseBoxes
from mmdet.visualization import DetLocalVisualizer
from mmdet.visualization.palette import get_palette

from mmvisx.utils.errors import UserError

__all__ = ['draw_boxes', 'draw_sample', 'to_picture']

_IGNORED = (128, 128, 128)


def to_picture(inputs: Any) -> np.ndarray:
    """Turn a packed image ``(C, H, W)`` into RGB ``(H, W, 3)`` uint8; floats are clipped.

    Raises:
        UserError: It has neither 1 nor 3 nor 4 channels.
    """
    image = np.clip(np.rint(inputs.numpy().transpose(1, 2, 0)), 0, 255).astype(np.uint8)
    channels = image.shape[2]
    if channels not in (1, 3, 4):
        raise UserError(f'an image with {channels} channels cannot be drawn; 1, 3 or 4 can')
    bgr = image[..., :3] if channels > 1 else np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(bgr[..., ::-1])


def draw_sample(data: dict[str, Any], visualizer: DetLocalVisualizer) -> np.ndarray:
    """Draw boxes and masks of a packed sample, RGB ``(H, W, 3)`` uint8.

    Behind a class stands the box's weight, ``w=0.80``, where boxes have weights. Of a mixed
    image, lambda and the image it was mixed with stand below it, which adds to ``H`` (and to a
    small ``W``). Ignored boxes are grey and have no name. A semantic map stands to the right,
    with black where it is to be ignored, which doubles ``W``.

    Args:
        data: ``inputs`` and ``data_samples``, what the last transform of a pipeline gives.
        visualizer: With ``dataset_meta`` set.

    Raises:
        UserError: The sample is not one of a detection pipeline.
    """
    sample = data.get('data_samples') if isinstance(data, dict) else None
    if not isinstance(sample, DetDataSample) or 'gt_instances' not in sample:
        raise UserError(
            'the pipeline does not end in a detection sample: it should load boxes and end with '
            'mmvisx.PackDetInputs (or mmdet.PackDetInputs, which drops the weights)'
        )
    drawn = copy.deepcopy(sample)
    seg_map = drawn.get('gt_sem_seg')
    if seg_map is not None:
        # mmdet's drawing takes the detector's classes and colours for those of the map.
        del drawn.gt_sem_seg
    for instances in (drawn.gt_instances, drawn.get('ignored_instances')):
        if instances is not None and isinstance(instances.get('bboxes'), BaseBoxes):
            instances.bboxes = instances.bboxes.tensor
    instances = drawn.gt_instances
    if 'weights' in instances and not (instances.weights == 1).all():
        classes = visualizer.dataset_meta['classes']
        instances.label_names = [
            f'{classes[label]} w={weight:.2f}'
            for label, weight in zip(
                instances.labels.tolist(), instances.weights.tolist(), strict=True
            )
        ]
    visualizer.add_datasample('sample', to_picture(data['inputs']), drawn, draw_pred=False)
    ignored = drawn.get('ignored_instances')
    if ignored is not None and len(ignored.get('bboxes', ())):
        visualizer.draw_bboxes(ignored.bboxes, edge_colors=_IGNORED, line_styles='--')
    picture = visualizer.get_image()
    if 'mixup_ratio' in drawn:
        partner = Path(drawn.get('mixup_partner') or 'another image').name
        lines = [f'mixup, lambda={drawn.mixup_ratio:.2f}', f'with {partner}']
        picture = _with_caption(picture, lines)
    if seg_map is None:
        return picture
    labels = seg_map.sem_seg.numpy()[0].astype(int)
    colours = np.array(get_palette('random', int(labels.max()) + 1), np.uint8)
    colours[seg_map.metainfo.get('ignore_index', 255) :][:1] = 0
    below = ((0, len(picture) - len(labels)), (0, 0), (0, 0))
    map_picture = np.pad(colours[labels], below, constant_values=255)
    return np.concatenate([picture, map_picture], axis=1)


def _with_caption(picture: np.ndarray, lines: list[str]) -> np.ndarray:
    """Write lines below a picture, on white; one that is narrower than they are gets wider."""
    font, scale, row = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 16
    widest = max(cv2.getTextSize(line, font, scale, 1)[0][0] for line in lines) + 8
    height, width = picture.shape[:2]
    canvas = np.full((height + row * len(lines) + 6, max(width, widest), 3), 255, np.uint8)
    canvas[:height, :width] = picture
    for number, line in enumerate(lines, 1):
        place = (4, height + row * number)
        cv2.putText(canvas, line, place, font, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def draw_boxes(data: dict[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """Draw a packed sample as :func:`draw_sample` does, RGB ``(H, W, 3)`` uint8.

    Args:
        data: ``inputs`` and ``data_samples``, what the last transform of a pipeline gives.
        meta: ``metainfo`` of the data set, for names and colours of the classes.
    """
    visualizer = DetLocalVisualizer(alpha=0.6, line_width=2)
    visualizer.dataset_meta = dict(palette='random') | dict(meta)
    return draw_sample(data, visualizer)
