"""Procedural textures of the embedded data set: stuff regions and objects.

Every function returns a BGR image ``(size, size, 3)`` in float32, about 0 to 255.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

MIN_CONTRAST = 95.0  # distance in BGR between an object and what is behind it


def smooth_noise(rng: Generator, size: int, cells: int) -> np.ndarray:
    """Noise ``(size, size)`` of unit variance at its ``cells`` x ``cells`` grid points."""
    coarse = rng.normal(size=(cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    return xx, yy


def _colour(rng: Generator, bgr: tuple[float, float, float], spread: float = 14) -> np.ndarray:
    return np.asarray(bgr, np.float32) + rng.uniform(-spread, spread, 3).astype(np.float32)


def _shade(colour: np.ndarray, shade: np.ndarray) -> np.ndarray:
    return (colour + shade[..., None]).astype(np.float32)


def sky(rng: Generator, size: int) -> np.ndarray:
    """Pale blue, brighter towards the bottom, with soft clouds."""
    _, yy = _grid(size)
    return _shade(_colour(rng, (205, 175, 145)), 30 * yy / size + 12 * smooth_noise(rng, size, 6))


def grass(rng: Generator, size: int) -> np.ndarray:
    """Green with fine noise."""
    fine = smooth_noise(rng, size, max(size // 3, 2))
    return _shade(_colour(rng, (60, 125, 85)), 16 * fine + 8 * smooth_noise(rng, size, 5))


def water(rng: Generator, size: int) -> np.ndarray:
    """Dark blue-green with wavy horizontal stripes."""
    xx, yy = _grid(size)
    period = size * rng.uniform(0.06, 0.09)
    wave = yy + 0.02 * size * np.sin(2 * np.pi * xx / (size * rng.uniform(0.2, 0.35)))
    return _shade(_colour(rng, (120, 95, 50)), 16 * np.sin(2 * np.pi * wave / period))


def brick(rng: Generator, size: int) -> np.ndarray:
    """Reddish courses of bricks with pale joints."""
    xx, yy = _grid(size)
    height = size * rng.uniform(0.07, 0.1)
    course = np.floor(yy / height)
    along = (xx / (2.2 * height) + 0.5 * (course % 2)) % 1
    joint = ((yy / height) % 1 < 0.2) | (along < 0.09)
    return _shade(_colour(rng, (70, 85, 135)), 38 * joint + 6 * smooth_noise(rng, size, size // 2))


STUFF_TEXTURES = {'sky': sky, 'grass': grass, 'water': water, 'brick': brick}


def object_texture(rng: Generator, size: int, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))](rng, size)[..., None]
    texture = colour * (1 - pattern) + other * pattern
    light = 1 if colour.mean() < 90 else -1
    edge = np.clip(colour + light * 75, 0, 255)
    return texture.astype(np.float32), edge.astype(np.float32)


def _plain(rng: Generator, size: int) -> np.ndarray:
    return np.zeros((size, size), np.float32)


def _turned(rng: Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel positions in units of the pattern's period, turned by a random angle."""
    xx, yy = _grid(size)
    angle, period = rng.uniform(0, np.pi), size * rng.uniform(0.05, 0.1)
    cos, sin = np.cos(angle) / period, np.sin(angle) / period
    return xx * cos + yy * sin, yy * cos - xx * sin


def _stripes(rng: Generator, size: int) -> np.ndarray:
    return (_turned(rng, size)[0] % 1 < 0.5).astype(np.float32)


def _checker(rng: Generator, size: int) -> np.ndarray:
    u, v = _turned(rng, size)
    return ((np.floor(u) + np.floor(v)) % 2).astype(np.float32)


def _dots(rng: Generator, size: int) -> np.ndarray:
    u, v = _turned(rng, size)
    return (np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.32).astype(np.float32)


def _clouds(rng: Generator, size: int) -> np.ndarray:
    return np.clip(0.5 + 0.5 * smooth_noise(rng, size, 12), 0, 1)


_PATTERNS = (_plain, _stripes, _checker, _dots, _clouds)
