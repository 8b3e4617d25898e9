"""Outlines of the classes of rendered objects."""

from __future__ import annotations

import cv2
import numpy as np

SHAPES_CLASSES = ('disc', 'square', 'triangle', 'star', 'cross', 'crescent')
SUPERSAMPLING = 4


def outline(label: int) -> list[np.ndarray]:
    """Outline of a class around the origin, within a radius of 1: polygons ``(N, 2)``."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    name = SHAPES_CLASSES[label]
    if name == 'disc':
        return [_circle(turn)]
    if name == 'square':
        return [np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 0.8]
    if name == 'triangle':
        return [_circle(np.linspace(0, 2 * np.pi, 3, endpoint=False)) * 1.1]
    if name == 'star':
        angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        return [_circle(angles) * np.where(np.arange(10) % 2, 0.48, 1.1)[:, None]]
    if name == 'cross':
        bar = np.array([(-1, -0.32), (1, -0.32), (1, 0.32), (-1, 0.32)])
        return [bar, bar[:, ::-1]]
    # A crescent: the outer arc and back along the edge of the disc that bites it.
    arc = np.linspace(0.22 * np.pi, 1.78 * np.pi, 48)
    outer = _circle(arc)
    centre = np.array([0.62, 0.0])
    start, end = outer[-1] - centre, outer[0] - centre
    bite = np.linspace(
        np.arctan2(start[1], start[0]) % (2 * np.pi), np.arctan2(end[1], end[0]) % (2 * np.pi), 32
    )
    inner = centre + np.hypot(*end) * _circle(bite)
    return [np.concatenate([outer, inner])]


def _circle(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def coverage(label: int, centre: np.ndarray, radius: float, angle: float, aspect: float,
             shape: tuple[int, int], margin: int) -> np.ndarray:  # fmt: skip
    """Share of each pixel that an object covers, in [0, 1].

    Args:
        shape: Height and width of the image.
        margin: Pixels around it.

    Returns:
        ``(H + 2 margin, W + 2 margin)`` float32.
    """
    height, width = (side + 2 * margin for side in shape)
    large = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.array([aspect**0.5, aspect**-0.5])
    for polygon in outline(label):
        points = (polygon * stretch) @ turn.T * radius + centre + margin
        fixed = np.round(points * SUPERSAMPLING * 16 - 8).astype(np.int32)
        cv2.fillPoly(large, [fixed], 255, shift=4)
    small = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255
