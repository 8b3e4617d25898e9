"""Polygons of masks, and one polygon of several."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

__all__ = ['area', 'extent', 'fitted', 'joined', 'rle_outlines']

CLOSE = 0.5  # pixels that make no other box
STRETCH = 2.0  # pixels that an outline may be off its box: rounding, or where pixels begin


def extent(outlines: list[list[float]]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of polygons, each x1, y1, x2, y2, ..."""
    xs = [x for outline in outlines for x in outline[::2]]
    ys = [y for outline in outlines for y in outline[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


def fitted(
    outlines: list[list[float]], box: tuple[float, float, float, float]
) -> tuple[list[list[float]], str]:
    """Outlines whose extent is a box, for formats where it follows from them.

    Returns:
        As they are if they are less than half a pixel off; stretched up to two pixels; none if they
        are farther off. And what was done, nothing at first.
    """
    found = extent(outlines)
    off = max(abs(a - b) for a, b in zip(found, box, strict=True))
    if off <= CLOSE:
        return outlines, ''
    sides = [found[2] - found[0], found[3] - found[1]]
    if off > STRETCH or min(sides) <= 0:
        return [], f'outlines more than {STRETCH:g} pixels off their box, now boxes'
    scale = [(box[k + 2] - box[k]) / sides[k] for k in (0, 1)]
    stretched = [
        [box[k % 2] + (v - found[k % 2]) * scale[k % 2] for k, v in enumerate(outline)]
        for outline in outlines
    ]
    return stretched, f'outlines up to {STRETCH:g} pixels off their box, now stretched to it'


def area(outlines: list[list[float]]) -> float:
    """Area of polygons in square pixels, by the shoelace formula; overlaps count twice."""
    total = 0.0
    for outline in outlines:
        points = [*zip(outline[::2], outline[1::2], strict=True)]
        turns = pairwise([*points, points[0]])
        total += abs(sum(x * v - u * y for (x, y), (u, v) in turns)) / 2
    return total


def rle_outlines(rle: dict[str, Any], height: int, width: int) -> tuple[list[list[float]], int]:
    """Outlines of a run-length encoded mask, and how many holes they do not have.

    The points are at the corners of pixels on the right and at the bottom, too, so that the box of
    the outlines is that of the mask. Parts without an area, a pixel wide, become a rectangle.

    Raises:
        ValueError: It is no such mask, or of another size.
    """
    if list(rle.get('size', ())) != [height, width]:
        raise ValueError(f'the size of its mask, {rle.get("size")}, is not {[height, width]}')
    if isinstance(rle['counts'], list):
        rle = mask_utils.frPyObjects(rle, height, width)
    mask = mask_utils.decode(rle)
    # Twice as large, so that the contour, which runs through the middles of pixels, has an area.
    large = np.repeat(np.repeat(mask, 2, 0), 2, 1)
    contours, tree = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines, holes = [], 0
    for contour, (_, _, _, parent) in zip(contours, [] if tree is None else tree[0], strict=True):
        if parent >= 0:
            holes += 1
            continue
        # Of the two middles that a pixel has, 2 p and 2 p + 1, the first is its left edge.
        outlines.append(((contour[:, 0] + 1) // 2).astype(float).ravel().tolist())
    return outlines, holes


def joined(outlines: list[list[float]]) -> list[float]:
    """One polygon of several parts, joined by lines without a width between nearest points."""
    whole = np.array(outlines[0]).reshape(-1, 2)
    for outline in outlines[1:]:
        part = np.array(outline).reshape(-1, 2)
        distances = ((whole[:, None] - part[None]) ** 2).sum(2)
        here, there = np.unravel_index(distances.argmin(), distances.shape)
        around = np.roll(part, -there, 0)
        whole = np.concatenate([whole[: here + 1], around, around[:1], whole[here:]])
    return whole.ravel().tolist()
