"""What clips show: things with a size in metres, and stuff that is fixed in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from mmvisx.datasets.shapes.outlines import SHAPES_CLASSES, coverage, outline
from mmvisx.datasets.shapes.texture import STUFF_TEXTURES, object_texture

from .camera import Camera, Pose

__all__ = ['VIDEO_CLASSES', 'VIDEO_PALETTE', 'VIDEO_THINGS', 'Stuff', 'Thing', 'make_thing']

# Diameter in metres: with it the height in the image tells the distance, within the spread.
DIAMETERS = {'disc': 1.4, 'square': 2.2, 'triangle': 1.7, 'star': 1.1}
SPREAD = 0.15
VIDEO_THINGS = tuple(DIAMETERS)
VIDEO_CLASSES = (*VIDEO_THINGS, 'grass', 'water', 'wall', 'sky')
VIDEO_PALETTE = [
    (220, 20, 60),
    (0, 110, 200),
    (250, 170, 30),
    (120, 60, 200),
    (85, 150, 60),
    (50, 95, 120),
    (135, 85, 70),
    (145, 175, 205),
]
GRASS, WATER, WALL, SKY = range(len(VIDEO_THINGS), len(VIDEO_CLASSES))

SPRITE, RADIUS = 128, 51.0  # pixels of a cut-out's texture, and of its outline's radius
TILE, TILE_METRES, LEVELS = 384, 12.0, 5
SKY_SHAPE, SKY_ELEVATION = (96, 576), np.deg2rad(60)


@dataclass(frozen=True)
class Thing:
    """An upright cut-out that stands on the ground and faces the camera.

    Attributes:
        number: Its id; 0 in a crowd.
        label: Class.
        metres: Of a pixel of the sprite.
        middle: Height of the sprite's middle above the ground, in metres.
        points: Outline in metres to the right and up from the ground, ``(N, 2)``.
        sprite: Colour BGR and coverage in [0, 1], ``(SPRITE, SPRITE, 4)`` float32.
        places: Right and forward of the camera at each frame, ``(T, 2)``.
    """

    number: int
    label: int
    metres: float
    middle: float
    points: np.ndarray
    sprite: np.ndarray
    places: np.ndarray

    def at(self, places: np.ndarray) -> Thing:
        """Return it at other places ``(T, 2)``."""
        return replace(self, places=places)

    def project(self, camera: Camera, place: np.ndarray, right: float = 0.0) -> np.ndarray:
        """Outline in the image ``(N, 2)`` at a place ``(2,)``, of a camera moved to the right."""
        level = np.empty((len(self.points), 3))
        level[:, 0] = place[0] - right + self.points[:, 0]
        level[:, 1] = place[1]
        level[:, 2] = self.points[:, 1] - camera.height
        return camera.project(level)

    def box(self, camera: Camera, place: np.ndarray, right: float = 0.0) -> np.ndarray:
        """Left, top, right, bottom of the whole thing, also beyond the image, ``(4,)``."""
        points = self.project(camera, place, right)
        return np.concatenate([points.min(axis=0), points.max(axis=0)])

    def look_up(self, right: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find points of its plane in the sprite.

        Args:
            right: Metres from its middle, ``(N,)``.
            up: Metres above the ground, ``(N,)``.

        Returns:
            Whether it covers the point, and the place in the flattened sprite, ``(N,)`` each.
        """
        half = SPRITE / 2
        columns = np.floor(right / self.metres + half)
        rows = np.floor(half - (up - self.middle) / self.metres)
        inside = (columns >= 0) & (columns < SPRITE) & (rows >= 0) & (rows < SPRITE)
        places = (np.where(inside, rows, 0) * SPRITE + np.where(inside, columns, 0)).astype(int)
        return inside & (self.sprite[..., 3].ravel()[places] >= 0.5), places


def make_thing(
    rng: Generator, number: int, kind: str, behind: np.ndarray, colour: float, scale: float = 1.0
) -> Thing:
    """Draw size, tilt and colours of a thing.

    Args:
        number: Its id; 0 in a crowd.
        kind: Name of its class.
        behind: Mean colour of what surrounds it, ``(3,)``.
        colour: How far its colour tells the class, from 0 to 1.
        scale: Of its diameter.
    """
    diameter = DIAMETERS[kind] * scale * rng.uniform(1 - SPREAD, 1 + SPREAD)
    angle = -np.pi / 2 + rng.uniform(-0.2, 0.2)
    index, label = SHAPES_CLASSES.index(kind), VIDEO_THINGS.index(kind)
    centre = np.full(2, SPRITE / 2)
    cover = coverage(index, centre, RADIUS, angle, 1.0, (SPRITE, SPRITE), 0)
    texture, edge = object_texture(rng, (SPRITE, SPRITE), behind)
    inner = cv2.erode(cover, np.ones((9, 9), np.uint8))[..., None]
    own = np.array(VIDEO_PALETTE[label][::-1], np.float32)
    painted = (1 - colour) * (inner * texture + (1 - inner) * edge) + colour * own
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.concatenate(outline(index)) @ turn.T * diameter / 2  # y down, from the middle
    middle = float(points[:, 1].max())
    standing = np.stack([points[:, 0], middle - points[:, 1]], axis=1)
    sprite = np.concatenate([painted, cover[..., None]], axis=2).astype(np.float32)
    return Thing(number, label, diameter / 2 / RADIUS, middle, standing, sprite, np.zeros((0, 2)))


class Stuff:
    """Ground, wall and sky of a clip.

    Args:
        rng: Draws it.
        heading: The camera's first one, in radians.

    Attributes:
        normal: Of the wall, which is a plane, in the world, ``(2,)``.
        distance: Of the wall from the world's origin along the normal, in metres.
        height: Of the wall, in metres.
    """

    def __init__(self, rng: Generator, heading: float) -> None:
        turned = heading + rng.uniform(-0.25, 0.25)
        self.normal = np.array([np.cos(turned), np.sin(turned)])
        self.distance = float(rng.uniform(26, 42))
        self.height = float(rng.uniform(5, 9))
        self.heading = heading
        self.cells = rng.uniform(-50, 50, (60, 2))
        self.kinds = np.where(rng.permutation(60) < 36, GRASS, WATER)
        names = {GRASS: 'grass', WATER: 'water', WALL: 'brick'}
        self.tiles = {
            label: _levels(STUFF_TEXTURES[name](rng, (TILE, TILE))) for label, name in names.items()
        }
        self.sky = STUFF_TEXTURES['sky'](rng, SKY_SHAPE)

    @property
    def mean_colour(self) -> np.ndarray:
        """Of the ground, BGR ``(3,)``."""
        means: np.ndarray = np.mean([self.tiles[k][-1].mean((0, 1)) for k in (GRASS, WATER)], 0)
        return means

    def ground_kind(self, places: np.ndarray) -> np.ndarray:
        """Class of points of the ground, x and y ``(N, 2)``: the cells' borders are bent."""
        bent = places + 0.7 * np.sin(places[:, ::-1] * 0.8)
        # Squares of distances without the part that all cells share.
        nearest = np.argmin((self.cells**2).sum(axis=1) - 2 * bent @ self.cells.T, axis=1)
        kinds: np.ndarray = self.kinds[nearest]
        return kinds

    def colours(self, label: int, places: np.ndarray, footprint: np.ndarray) -> np.ndarray:
        """Colour of points of a surface, BGR ``(N, 3)``.

        Args:
            label: Class.
            places: Metres on the surface, ``(N, 2)``.
            footprint: Metres that one sample stands for, ``(N,)``.
        """
        levels = self.tiles[label]
        pixels = np.maximum(footprint * TILE / TILE_METRES, 1)
        level = np.minimum(np.round(np.log2(pixels)), LEVELS - 1).astype(int)
        turn = np.mod(places / TILE_METRES, 2)  # the tile and its mirror image in turn
        folded = np.where(turn < 1, turn, 2 - turn)
        colours = np.empty((len(places), 3), np.float32)
        for number, tile in enumerate(levels):
            chosen = level == number
            x, y = np.minimum(folded[chosen] * len(tile), len(tile) - 1).astype(int).T
            colours[chosen] = tile[y, x]
        return colours

    def sky_colours(self, azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
        """Colour of the sky in directions of the world, radians ``(N,)``; BGR ``(N, 3)``."""
        height, width = SKY_SHAPE
        around = np.mod((azimuth - self.heading) / (2 * np.pi) + 0.5, 1)
        above = np.clip(1 - elevation / SKY_ELEVATION, 0, 1)
        columns = np.minimum(around * width, width - 1).astype(int)
        rows = np.minimum(above * height, height - 1).astype(int)
        colours: np.ndarray = self.sky[rows, columns]
        return colours

    def wall_along(self, pose: Pose, level: np.ndarray) -> np.ndarray:
        """Metres along the wall of points right and forward of the camera, ``(N, 2)``."""
        along: np.ndarray = pose.to_world(level) @ np.array([-self.normal[1], self.normal[0]])
        return along


def _levels(tile: np.ndarray) -> list[np.ndarray]:
    """A tile at smaller and smaller sizes, so that what is far away does not flicker."""
    levels = [tile]
    while len(levels) < LEVELS:
        levels.append(cv2.pyrDown(levels[-1]))
    return levels
