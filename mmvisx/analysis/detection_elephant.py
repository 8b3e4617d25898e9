"""Slide a patch over an image and run a detector at each step (000, 5.3.1, Figure 5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as rle

from mmvisx.analysis.detection_elephant_report import (
    DEFAULTS,
    KEEP_SCORE,
    Detection,
    common_part,
    elephant_report,
)
from mmvisx.apis.inference.detection import Inferencer
from mmvisx.datasets.transforms.loading import decode_image
from mmvisx.utils.errors import UserError

__all__ = ['load_patch', 'paste_patch', 'path_positions', 'run_elephant', 'scenes']

Position = tuple[int, int]


def load_patch(
    file: str | Path,
    box: Sequence[int] | None = None,
    mask_file: str | Path | None = None,
    scale: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Read a patch.

    Args:
        file: Image; an alpha channel of a PNG is the object's mask.
        box: Part of the image to take: x1, y1, x2, y2 in pixels; the whole by default.
        mask_file: Image of the size of ``file``, not 0 at the object's pixels.
        scale: Factor of the patch's size.

    Returns:
        Pixels ``(h, w, 3)`` uint8 BGR and mask ``(h, w)`` bool.

    Raises:
        UserError: A file cannot be read, the box lies outside, the sizes differ, or no pixel
            of the object is left.
    """
    hint = 'give an image file that exists'
    image = decode_image(str(file), hint, 'unchanged', 'cv2', None)
    if image.dtype != np.uint8:
        raise UserError(f'patch {file} is of type {image.dtype}; give an image of 8 bits a channel')
    image = np.atleast_3d(image)
    mask: np.ndarray = (
        image[..., 3] > 127 if image.shape[2] == 4 else np.ones(image.shape[:2], bool)
    )
    if mask_file is not None:
        labels = decode_image(str(mask_file), hint, 'unchanged', 'cv2', None)
        mask = (labels if labels.ndim == 2 else labels.max(axis=2)) > 0
    if mask.shape != image.shape[:2]:
        raise UserError(
            f'mask {mask_file} has the size {mask.shape} (height, width), patch {file} '
            f'{image.shape[:2]}: they should be equal'
        )
    pixels = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    if box is not None:
        x1, y1, x2, y2 = box
        height, width = mask.shape
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise UserError(
                f'patch box {list(box)} should be x1 y1 x2 y2 inside {file}, which is {width} '
                f'wide and {height} high'
            )
        pixels, mask = pixels[y1:y2, x1:x2], mask[y1:y2, x1:x2]
    if scale != 1:
        size = [round(side * scale) for side in mask.shape[::-1]]
        if not scale > 0 or min(size) < 1:
            raise UserError(f'patch scale {scale} leaves {size[0]} x {size[1]} pixels')
        area = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, size, interpolation=area)
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not mask.any():
        raise UserError(f'patch {file}: the mask has no pixel in the box')
    return np.ascontiguousarray(pixels), mask


def path_positions(
    points: Sequence[Sequence[float]], steps: int, shape: Sequence[int], patch: Sequence[int]
) -> list[Position]:
    """Return top left corners of a patch whose centre goes along a path at an even pace.

    Args:
        points: Corners of the path, x and y as parts of the image's width and height.
        steps: Number of positions, at least 1; the first and the last are the path's ends.
        shape: Height and width of the image.
        patch: Height and width of the patch.

    Raises:
        UserError: ``steps`` or the number of points is too small.
    """
    if steps < 1 or len(points) < 2 or any(len(point) != 2 for point in points):
        raise UserError(
            f'a path needs two points (x, y) or more and one step or more, not {points} and '
            f'{steps} steps'
        )
    corners = np.array(points, float) * (shape[1], shape[0])
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    done = np.concatenate([[0], np.cumsum(lengths)])
    at = np.linspace(0, done[-1], steps)
    # One more at a corner would be found twice: interpolation takes growing lengths only.
    keep = np.concatenate([[True], lengths > 0])
    centres = [np.interp(at, done[keep], corners[keep, axis]) for axis in (0, 1)]
    x, y = (
        np.rint(c - side / 2).astype(int)
        for c, side in zip(centres, (patch[1], patch[0]), strict=True)
    )
    return [(int(a), int(b)) for a, b in zip(x, y, strict=True)]


def paste_patch(
    image: np.ndarray, pixels: np.ndarray, mask: np.ndarray, position: Position
) -> np.ndarray:
    """Return a copy of ``image`` with the patch's masked pixels at ``position``.

    Args:
        image: ``(H, W, 3)``.
        pixels: ``(h, w, 3)``.
        mask: ``(h, w)`` bool.
        position: Of the patch's top left corner; what lies outside is cut off.
    """
    pasted = image.copy()
    inside, part = common_part(position, mask.shape, image.shape[:2])
    pasted[inside][mask[part]] = pixels[part][mask[part]]
    return pasted


def scenes(
    image: np.ndarray, pixels: np.ndarray, mask: np.ndarray, positions: Sequence[Position]
) -> Iterator[np.ndarray]:
    """Yield the images with the patch at each position."""
    for position in positions:
        yield paste_patch(image, pixels, mask, position)


def run_elephant(
    inferencer: Inferencer,
    image: np.ndarray,
    pixels: np.ndarray,
    mask: np.ndarray,
    positions: Sequence[Position],
    settings: dict[str, float] | None = None,
    names: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Detect in the image and at each step, and report.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        pixels: Of the patch, ``(h, w, 3)`` uint8 BGR.
        mask: Of the patch, ``(h, w)`` bool.
        positions: Of the patch's top left corner.
        settings: Changes of :data:`~mmvisx.analysis.detection_elephant_report.DEFAULTS`.
        names: Files of the image, the patch and the model, to be noted in the record.

    Returns:
        A record that JSON holds: ``image``, ``patch``, ``settings``, ``names``, ``reference``
        (detections of the unchanged image), ``steps`` (``position`` and ``detections``) and
        ``report`` (:func:`~mmvisx.analysis.detection_elephant_report.elephant_report`).

    Raises:
        UserError: A setting is out of range; nothing is detected in the unchanged image.
    """
    chosen = {**DEFAULTS, **(settings or {})}
    for name, lowest in (('score_thr', KEEP_SCORE), ('iou_thr', 0.01), ('max_covered', 0.0)):
        if not lowest <= chosen[name] <= 1:
            raise UserError(f'{name}={chosen[name]} should be in [{lowest}, 1]')
    predictions = [_detect(inferencer, image)]
    if not any(d['score'] >= chosen['score_thr'] for d in predictions[0]):
        raise UserError(
            f'the detector finds nothing with a score of {chosen["score_thr"]} or more in the '
            'unchanged image, so there is nothing to compare: take another image or a lower '
            'score_thr'
        )
    predictions += [_detect(inferencer, s) for s in scenes(image, pixels, mask, positions)]
    packed = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    packed['counts'] = packed['counts'].decode('ascii')
    record: dict[str, Any] = {
        'names': names or {},
        'image': {'height': image.shape[0], 'width': image.shape[1]},
        'patch': {'mask': {'size': [int(n) for n in packed['size']], 'counts': packed['counts']}},
        'settings': chosen,
        'reference': predictions[0],
        'steps': [
            {'position': list(position), 'detections': found}
            for position, found in zip(positions, predictions[1:], strict=True)
        ],
    }
    record['report'] = elephant_report(record)
    return record


def _detect(inferencer: Inferencer, image: np.ndarray) -> list[Detection]:
    (result,) = inferencer(image)['predictions']
    found = zip(result['label_names'], result['scores'], result['bboxes'], strict=True)
    return [
        {'label': label, 'score': float(score), 'box': [float(v) for v in box]}
        for label, score, box in found
        if score >= KEEP_SCORE
    ]
