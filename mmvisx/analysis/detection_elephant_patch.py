"""The patch of the elephant test: read, moved along a path, pasted into an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as rle

from mmvisx.datasets.transforms.loading import decode_image
from mmvisx.utils.errors import UserError

__all__ = [
    'common_part',
    'load_patch',
    'pack_mask',
    'paste_patch',
    'patch_canvas',
    'path_positions',
    'scenes',
]

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
    """Yield the images ``(H, W, 3)`` with the patch (see :func:`paste_patch`) at each position."""
    for position in positions:
        yield paste_patch(image, pixels, mask, position)


def pack_mask(mask: np.ndarray) -> dict[str, Any]:
    """Return a mask ``(H, W)`` as COCO's RLE with text for its counts, which JSON holds."""
    packed = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': [int(n) for n in packed['size']], 'counts': packed['counts'].decode('ascii')}


def common_part(
    position: Sequence[int], size: Sequence[int], shape: Sequence[int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where an image shows a patch, and which part of the patch that is.

    Args:
        position: Of the patch's top left corner, x and y; may lie outside of the image.
        size: Height and width of the patch.
        shape: Height and width of the image.
    """
    image, patch = [], []
    for start, length, limit in zip(reversed(position), size, shape, strict=True):
        low, high = max(start, 0), max(min(start + length, limit), 0)
        high = max(low, high)
        image.append(slice(low, high))
        patch.append(slice(low - start, high - start))
    return (image[0], image[1]), (patch[0], patch[1])


def patch_canvas(
    patch: dict[str, Any], position: Sequence[int], shape: Sequence[int]
) -> np.ndarray:
    """Return where an image of ``(height, width)`` shows the patch's object, bool ``(H, W)``.

    Args:
        patch: ``mask`` is a COCO RLE of ``(height, width)``, its counts as text.
        position: See :func:`common_part`.
        shape: Height and width of the image.
    """
    mask = rle.decode(patch['mask']).astype(bool)
    canvas = np.zeros(shape, bool)
    inside, part = common_part(position, mask.shape, shape)
    canvas[inside] = mask[part]
    return canvas
