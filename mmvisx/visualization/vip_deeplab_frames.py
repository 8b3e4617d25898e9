"""Frames with segments and depth, as Figure 7-5 shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmdet.structures import INSTANCE_OFFSET, DetDataSample, TrackDataSample

from mmvisx.utils.errors import UserError

from .browse_dataset import draw_boxes, to_picture
from .segmentation_overlay import draw_legend, side_by_side
from .segmentation_tasks import tasks_of

__all__ = ['depth_colours', 'draw_boxes_or_frames', 'draw_frames', 'segment_colours']

_NEAREST = 2.0  # metres; what is nearer has the same colour
_LEAST = 320  # pixels of a panel's width, so that small frames can be seen
_SHADES = np.array([1.0, 0.55, 0.8, 0.4, 0.9, 0.65])


def segment_colours(
    codes: np.ndarray, palette: Sequence[Sequence[int]], thing_labels: Sequence[int]
) -> np.ndarray:
    """Colour each segment: a class has its colour, a thing's id a shade of it.

    Args:
        codes: Class + 1000 x id, ``(H, W)``. Classes without a colour, as void, are black; crowds,
            things with id 0, are striped.
        palette: RGB of each class.
        thing_labels: Which classes are things.

    Returns:
        RGB ``(H, W, 3)`` uint8.
    """
    ids, labels = np.divmod(codes, INSTANCE_OFFSET)
    colours = np.zeros((max(len(palette), int(labels.max()) + 1), 3))
    colours[: len(palette)] = palette
    things = np.isin(labels, thing_labels)
    shade = np.where(things, _SHADES[(ids - 1) % len(_SHADES)], 1.0)
    stripes = np.add(*np.indices(codes.shape)) // 3 % 2
    shade = np.where(things & (ids == 0), stripes, shade)
    return np.rint(colours[labels] * shade[..., None]).astype(np.uint8)


def depth_colours(depth: np.ndarray, farthest: float = 88.0) -> np.ndarray:
    """Colour depth by its logarithm, red near and blue far; black where it is unknown (0).

    Args:
        depth: Metres, ``(H, W)``.
        farthest: Depth of the last colour.

    Returns:
        RGB ``(H, W, 3)`` uint8.
    """
    known = depth > 0
    place = np.log(np.where(known, depth, 1) / _NEAREST) / np.log(farthest / _NEAREST)
    level = np.rint(255 * (1 - np.clip(place, 0, 1))).astype(np.uint8)
    colours = cv2.applyColorMap(level, cv2.COLORMAP_TURBO)[..., ::-1]
    return np.where(known[..., None], colours, 0).astype(np.uint8)


def draw_boxes_or_frames(data: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """Draw a packed sample of detection or of clips, RGB ``(H, W, 3)`` uint8.

    Args:
        data: ``inputs`` and ``data_samples``, what the last transform of a pipeline gives.
        meta: ``metainfo`` of the data set, for names and colours of the classes.
    """
    sample = data.get('data_samples')
    frames = isinstance(sample, TrackDataSample) or (
        isinstance(sample, DetDataSample) and 'gt_panoptic_seg' in sample
    )
    return draw_frames(data, meta) if frames else draw_boxes(dict(data), meta)


def draw_frames(data: Mapping[str, Any], meta: Mapping[str, Any]) -> np.ndarray:
    """Draw a frame, a pair or a clip: image, segments and depth side by side, a row a frame.

    To the right stand the classes of the first frame. Small frames are enlarged.

    Args:
        data: ``inputs`` ``(3, H, W)``, or ``(T, 3, H, W)`` of a pair or a clip, and
            ``data_samples``.
        meta: ``metainfo`` of the data set, with ``classes`` and ``thing_classes``.

    Returns:
        RGB ``(H', W', 3)`` uint8.

    Raises:
        UserError: A frame has no segments.
    """
    task = tasks_of(meta)[0]
    things = [k for k, name in enumerate(task.classes) if name in meta.get('thing_classes', ())]
    inputs = data['inputs'] if data['inputs'].ndim == 4 else data['inputs'][None]
    rows, first = [], None
    for image, (codes, depth) in zip(inputs, _maps(data['data_samples']), strict=True):
        if codes is None:
            raise UserError(
                'the pipeline does not end in frames with segments: it should load them '
                '(mmvisx.LoadPanopticFrames) and pack them'
            )
        first = codes if first is None else first
        panels = [to_picture(image), segment_colours(codes, task.palette, things)]
        if depth is not None:
            panels.append(depth_colours(depth))
        rows.append(np.concatenate(panels, axis=1))
    times = -(-_LEAST // inputs.shape[3])
    picture = np.concatenate(rows).repeat(times, axis=0).repeat(times, axis=1)
    labels = first % INSTANCE_OFFSET
    legend = draw_legend(labels, task.classes, task.palette, height=len(picture))
    return side_by_side([picture, legend])


def _maps(sample: Any) -> list[tuple[np.ndarray | None, np.ndarray | None]]:
    """Segments and depth of each frame of a sample, None where there are none."""
    if isinstance(sample, TrackDataSample):
        return [pair for frame in sample.video_data_samples for pair in _maps(frame)]
    prefixes = [p for p in ('', 'next_') if f'{p}gt_panoptic_seg' in sample] or ['']
    found = []
    for prefix in prefixes:
        codes, depth = sample.get(f'{prefix}gt_panoptic_seg'), sample.get(f'{prefix}gt_depth_map')
        found.append(
            (
                None if codes is None else codes.sem_seg[0].numpy(),
                None if depth is None else depth.data[0].numpy(),
            )
        )
    return found
