"""Procedural textures of the embedded data set: stuff regions and objects.

Every function returns a BGR image ``(H, W, 3)`` in float32, about 0 to 255, for a shape
``(H, W)``. Lengths are shares of the shorter side.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

MIN_CONTRAST = 95.0  # distance in BGR between an object and what is behind it


def smooth_noise(rng: Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Noise ``(H, W)`` of unit variance at its grid points, ``cells`` along the shorter side."""
    grid = [round(cells * side / min(shape)) for side in shape]
    coarse = rng.normal(size=grid).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    yy, xx = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return xx, yy


def _colour(rng: Generator, bgr: tuple[float, float, float], spread: float = 14) -> np.ndarray:
    return np.asarray(bgr, np.float32) + rng.uniform(-spread, spread, 3).astype(np.float32)


def _shade(colour: np.ndarray, shade: np.ndarray) -> np.ndarray:
    return (colour + shade[..., None]).astype(np.float32)


def sky(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    """Pale blue, brighter towards the bottom, with soft clouds."""
    _, yy = _grid(shape)
    return _shade(
        _colour(rng, (205, 175, 145)), 30 * yy / shape[0] + 12 * smooth_noise(rng, shape, 6)
    )


def grass(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    """Green with fine noise."""
    fine = smooth_noise(rng, shape, max(min(shape) // 3, 2))
    return _shade(_colour(rng, (60, 125, 85)), 16 * fine + 8 * smooth_noise(rng, shape, 5))


def water(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    """Dark blue-green with wavy horizontal stripes."""
    xx, yy = _grid(shape)
    side = min(shape)
    period = side * rng.uniform(0.06, 0.09)
    wave = yy + 0.02 * side * np.sin(2 * np.pi * xx / (side * rng.uniform(0.2, 0.35)))
    return _shade(_colour(rng, (120, 95, 50)), 16 * np.sin(2 * np.pi * wave / period))


def brick(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    """Reddish courses of bricks with pale joints."""
    xx, yy = _grid(shape)
    height = min(shape) * rng.uniform(0.07, 0.1)
    course = np.floor(yy / height)
    along = (xx / (2.2 * height) + 0.5 * (course % 2)) % 1
    joint = ((yy / height) % 1 < 0.2) | (along < 0.09)
    return _shade(
        _colour(rng, (70, 85, 135)), 38 * joint + 6 * smooth_noise(rng, shape, min(shape) // 2)
    )


STUFF_TEXTURES = {'sky': sky, 'grass': grass, 'water': water, 'brick': brick}


def object_texture(
    rng: Generator, shape: tuple[int, int], behind: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Texture and edge colour ``(3,)`` of an object that stands out from ``behind``.

    Args:
        behind: Mean colour of what surrounds the object, ``(3,)``.
    """
    colour = rng.uniform(10, 245, 3)
    for _ in range(30):
        if np.linalg.norm(colour - behind) >= MIN_CONTRAST:
            break
        colour = rng.uniform(10, 245, 3)
    other = colour + rng.uniform(-60, 60, 3)
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))](rng, shape)[..., None]
    texture = colour * (1 - pattern) + other * pattern
    light = 1 if colour.mean() < 90 else -1
    edge = np.clip(colour + light * 75, 0, 255)
    return texture.astype(np.float32), edge.astype(np.float32)


def _plain(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.zeros(shape, np.float32)


def _turned(rng: Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel positions in units of the pattern's period, turned by a random angle."""
    xx, yy = _grid(shape)
    angle, period = rng.uniform(0, np.pi), min(shape) * rng.uniform(0.05, 0.1)
    cos, sin = np.cos(angle) / period, np.sin(angle) / period
    return xx * cos + yy * sin, yy * cos - xx * sin


def _stripes(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    return (_turned(rng, shape)[0] % 1 < 0.5).astype(np.float32)


def _checker(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    u, v = _turned(rng, shape)
    return ((np.floor(u) + np.floor(v)) % 2).astype(np.float32)


def _dots(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    u, v = _turned(rng, shape)
    return (np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.32).astype(np.float32)


def _clouds(rng: Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.clip(0.5 + 0.5 * smooth_noise(rng, shape, 12), 0, 1)


_PATTERNS = (_plain, _stripes, _checker, _dots, _clouds)
