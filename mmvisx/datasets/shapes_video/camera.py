"""A pinhole camera that drives over a ground plane.

Level frame: metres to the right, forward and up, from the camera's centre; it turns with the
camera's heading, not with its pitch. World: metres x, y on the ground and z up. Camera: OpenCV's
axes, x right, y down, z along the optical axis, whose z is what *depth* means. Whole numbers are
the centres of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """What does not change in a clip.

    Attributes:
        shape: Height and width of the image in pixels.
        focal: Focal length in pixels.
        pitch: How far it looks down, in radians.
        height: Above the ground, in metres.
    """

    shape: tuple[int, int] = (96, 160)
    focal: float = 128.0
    pitch: float = np.deg2rad(8)
    height: float = 1.6

    @property
    def intrinsics(self) -> np.ndarray:
        """``(3, 3)``."""
        height, width = self.shape
        return np.array(
            [[self.focal, 0, (width - 1) / 2], [0, self.focal, (height - 1) / 2], [0, 0, 1]]
        )

    @property
    def axes(self) -> np.ndarray:
        """The camera's axes x, y, z as rows in the level frame, ``(3, 3)``."""
        sin, cos = np.sin(self.pitch), np.cos(self.pitch)
        return np.array([[1, 0, 0], [0, -sin, -cos], [0, cos, -sin]])

    def rays(self, samples: int = 1) -> np.ndarray:
        """Rays of ``samples`` x ``samples`` points of every pixel, the middle one its centre.

        Returns:
            ``(samples H, samples W, 3)`` in the level frame; a depth times the ray is a point.
        """
        columns, rows = (
            (np.arange(side * samples) - (samples - 1) / 2) / samples for side in self.shape[::-1]
        )
        x = (columns - self.intrinsics[0, 2]) / self.focal
        y = (rows - self.intrinsics[1, 2]) / self.focal
        grid = np.stack(np.broadcast_arrays(x[None], y[:, None], 1.0), axis=-1)
        return grid @ self.axes

    def project(self, points: np.ndarray) -> np.ndarray:
        """Column and row ``(N, 2)`` of points ``(N, 3)`` in the level frame."""
        seen = points @ self.axes.T @ self.intrinsics.T
        pixels: np.ndarray = seen[:, :2] / seen[:, 2:]
        return pixels


@dataclass(frozen=True)
class Pose:
    """Where the camera is: ``x``, ``y`` in metres, its heading in radians from the x axis."""

    x: float
    y: float
    heading: float

    @property
    def axes(self) -> np.ndarray:
        """Right and forward of the level frame in the world, ``(2, 2)``, as rows."""
        sin, cos = np.sin(self.heading), np.cos(self.heading)
        return np.array([[sin, -cos], [cos, sin]])

    def to_world(self, places: np.ndarray) -> np.ndarray:
        """Right and forward to x and y, ``(..., 2)``."""
        world: np.ndarray = places @ self.axes + (self.x, self.y)
        return world

    def to_level(self, places: np.ndarray) -> np.ndarray:
        """x and y to right and forward, ``(..., 2)``."""
        level: np.ndarray = (places - (self.x, self.y)) @ self.axes.T
        return level

    def matrix(self, camera: Camera) -> np.ndarray:
        """Camera to world, ``(4, 4)``."""
        level = np.eye(3)
        level[:2, :2] = self.axes
        matrix = np.eye(4)
        matrix[:3, :3] = (camera.axes @ level).T
        matrix[:3, 3] = self.x, self.y, camera.height
        return matrix
