"""Scans of a clip, as a lidar above the camera makes them."""

from __future__ import annotations

import numpy as np

from .camera import Camera
from .render import Clip, cast

__all__ = ['lidar_to_camera', 'scan']

ABOVE = 0.4  # metres from the camera's centre up to the sensor's
ELEVATIONS = np.deg2rad(np.linspace(2, -24, 32))
AZIMUTHS = np.deg2rad(np.linspace(-40, 40, 321))
REFLECTANCES = np.array([0.0, 0.2, 0.5])  # of nothing, the ground and the wall
THING_REFLECTANCE = 0.8


def lidar_to_camera(camera: Camera) -> np.ndarray:
    """Move points of a scan into the camera's axes, ``(4, 4)``."""
    to_level = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # forward, left, up
    matrix = np.eye(4)
    matrix[:3, :3] = camera.axes @ to_level
    matrix[:3, 3] = camera.axes @ (0, 0, ABOVE)
    return matrix


def scan(clip: Clip, number: int) -> np.ndarray:
    """Points of frame ``number``: forward, left, up in metres and reflectance, as KITTI has them.

    Returns:
        ``(N, 4)`` float32.
    """
    elevation, azimuth = (a.ravel() for a in np.meshgrid(ELEVATIONS, AZIMUTHS, indexing='ij'))
    flat = np.cos(elevation)
    rays = np.stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)], axis=1)
    hits = cast(clip, number, rays, (0.0, 0.0, ABOVE))
    found = np.isfinite(hits.depth)
    right, forward, up = (hits.depth[found, None] * rays[found]).T
    known = np.minimum(hits.surface[found], len(REFLECTANCES) - 1)
    things = hits.surface[found] >= len(REFLECTANCES)
    reflectance = np.where(things, THING_REFLECTANCE, REFLECTANCES[known])
    return np.stack([forward, -right, up, reflectance], axis=1).astype(np.float32)
