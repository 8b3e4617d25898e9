"""Frames of a clip: rays that hit the nearest surface, exact in depth.

A *surface* is a number: 0 nothing (the sky), 1 the ground, 2 the wall, 3 and up the things.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .camera import Camera, Pose
from .world import SKY, WALL, Stuff, Thing

__all__ = ['VOID', 'Clip', 'Frame', 'Hits', 'cast', 'look', 'render_frame', 'silhouettes']

NOTHING, GROUND, WALL_SURFACE, FIRST_THING = range(4)
VOID = 255
SAMPLES = 3  # along each side of a pixel
PURE = 7  # of a pixel's nine samples; where fewer agree at the rim of a thing it is void
NOISE = 3.0
CENTRE = (0.0, 0.0, 0.0)


@dataclass
class Clip:
    """What is needed to render a clip; ``things`` are objects and members of crowds."""

    camera: Camera
    poses: list[Pose]
    stuff: Stuff
    things: list[Thing] = field(default_factory=list)


@dataclass(frozen=True)
class Hits:
    """Where rays end.

    Attributes:
        depth: In lengths of the ray, infinite in the sky, ``(N,)``.
        surface: Number of the surface, ``(N,)``.
        pixels: Place in the flattened sprite of the thing that is hit, ``(N,)``.
    """

    depth: np.ndarray
    surface: np.ndarray
    pixels: np.ndarray


@dataclass(frozen=True)
class Frame:
    """A rendered frame.

    Attributes:
        image: BGR ``(H, W, 3)`` uint8.
        labels: Classes, :data:`VOID` at the rims of things, ``(H, W)`` uint8.
        ids: Of things, 0 elsewhere and in crowds, ``(H, W)`` int32.
        depth: In metres, 0 in the sky, ``(H, W)`` float64.
    """

    image: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    depth: np.ndarray


def cast(
    clip: Clip, number: int, rays: np.ndarray, origin: tuple[float, float, float] = CENTRE
) -> Hits:
    """Follow rays to the nearest surface.

    Args:
        number: Of the frame.
        rays: In the level frame, ``(N, 3)``.
        origin: Where they start in it.
    """
    height = clip.camera.height + origin[2]
    right, forward, up = rays.T
    pose, stuff = clip.poses[number], clip.stuff
    depth = np.full(len(rays), np.inf)
    surface = np.zeros(len(rays), np.int32)
    pixels = np.zeros(len(rays), np.int64)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        ground = np.where(up < 0, -height / up, np.inf)
        normal = pose.axes @ stuff.normal  # in the level frame
        away = stuff.distance - stuff.normal @ (pose.x, pose.y) - normal @ origin[:2]
        wall = away / (rays[:, :2] @ normal)
        wall = np.where((wall > 0) & (height + wall * up <= stuff.height), wall, np.inf)
    for found, name in ((ground, GROUND), (wall, WALL_SURFACE)):
        nearer = found < depth
        depth[nearer], surface[nearer] = found[nearer], name
    for index, thing in enumerate(clip.things, FIRST_THING):
        place = thing.places[number]
        found = (place[1] - origin[1]) / forward
        candidates = np.flatnonzero((found > 0) & (found < depth))
        found = found[candidates]
        sideways = origin[0] + found * right[candidates] - place[0]
        inside, places = thing.look_up(sideways, height + found * up[candidates])
        hit = candidates[inside]
        depth[hit], surface[hit], pixels[hit] = found[inside], index, places[inside]
    return Hits(depth, surface, pixels)


def look(clip: Clip, number: int) -> np.ndarray:
    """Surfaces at the centres of the pixels, ``(H, W)``."""
    rays = clip.camera.rays()
    return cast(clip, number, rays.reshape(-1, 3)).surface.reshape(rays.shape[:2])


def silhouettes(clip: Clip, number: int) -> np.ndarray:
    """Visible pixels of every thing, ``(things,)``."""
    counts = np.bincount(look(clip, number).ravel(), minlength=len(clip.things) + FIRST_THING)
    return counts[FIRST_THING:]


def render_frame(clip: Clip, number: int, rng: np.random.Generator, right: float = 0.0) -> Frame:
    """Render one frame.

    Args:
        number: Of the frame.
        rng: Draws the camera's noise.
        right: Moves the camera to the right, in metres: the other eye.
    """
    rays = clip.camera.rays(SAMPLES)
    fine, shape = rays.shape[:2], clip.camera.shape
    flat = rays.reshape(-1, 3)
    origin = (right, 0.0, 0.0)
    hits = cast(clip, number, flat, origin)
    labels, ids = _annotate(clip, number, hits, flat, origin)
    colours = _paint(clip, number, hits, labels, flat, origin)
    image = _samples(colours.reshape(*fine, 3)).mean(axis=2)
    noisy = image + rng.normal(size=image.shape) * NOISE
    codes = _samples((labels + 1000 * ids).reshape(fine))
    centre = SAMPLES**2 // 2
    middle = codes[..., centre]
    things = _samples((hits.surface >= FIRST_THING).reshape(fine)).any(axis=-1)
    mixed = things & ((codes == middle[..., None]).sum(axis=-1) < PURE)
    depth = _samples(hits.depth.reshape(fine))[..., centre]
    return Frame(
        image=np.clip(np.round(noisy), 0, 255).astype(np.uint8).reshape(*shape, 3),
        labels=np.where(mixed, VOID, middle % 1000).astype(np.uint8),
        ids=np.where(mixed, 0, middle // 1000).astype(np.int32),
        depth=np.where(np.isinf(depth), 0, depth),
    )


def _samples(fine: np.ndarray) -> np.ndarray:
    """``(SAMPLES H, SAMPLES W, ...)`` as ``(H, W, SAMPLES^2, ...)``."""
    height, width = (side // SAMPLES for side in fine.shape[:2])
    apart = fine.reshape(height, SAMPLES, width, SAMPLES, *fine.shape[2:]).swapaxes(1, 2)
    return apart.reshape(height, width, SAMPLES**2, *fine.shape[2:])


def _annotate(
    clip: Clip, number: int, hits: Hits, rays: np.ndarray, origin: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Classes and ids of what rays ``(N, 3)`` hit, ``(N,)`` int32 each."""
    kinds = np.array([SKY, 0, WALL, *(thing.label for thing in clip.things)])
    numbers = np.array([0, 0, 0, *(thing.number for thing in clip.things)])
    labels = kinds[hits.surface]
    ground = hits.surface == GROUND
    level = hits.depth[ground, None] * rays[ground, :2] + origin[:2]
    labels[ground] = clip.stuff.ground_kind(clip.poses[number].to_world(level))
    return labels.astype(np.int32), numbers[hits.surface].astype(np.int32)


def _paint(
    clip: Clip,
    number: int,
    hits: Hits,
    labels: np.ndarray,
    rays: np.ndarray,
    origin: tuple[float, float, float],
) -> np.ndarray:
    """Colours of what rays ``(N, 3)`` hit, with classes ``(N,)``; BGR ``(N, 3)`` float32."""
    camera, pose, stuff = clip.camera, clip.poses[number], clip.stuff
    colours = np.empty((len(rays), 3), np.float32)
    for index, thing in enumerate(clip.things, FIRST_THING):
        hit = hits.surface == index
        colours[hit] = thing.sprite.reshape(-1, 4)[hits.pixels[hit], :3]
    sky = hits.surface == NOTHING
    world = rays[sky, :2] @ pose.axes
    azimuth = np.arctan2(world[:, 1], world[:, 0])
    elevation = np.arctan2(rays[sky, 2], np.hypot(*world.T))
    colours[sky] = stuff.sky_colours(azimuth, elevation)
    sample = hits.depth / (camera.focal * SAMPLES)
    for label in stuff.tiles:
        hit = (labels == label) & (hits.surface != NOTHING)
        level = hits.depth[hit, None] * rays[hit, :2] + origin[:2]
        if label == WALL:
            up = camera.height + hits.depth[hit] * rays[hit, 2]
            places = np.stack([stuff.wall_along(pose, level), up], axis=1)
            footprint = sample[hit]
        else:
            places = pose.to_world(level)
            # The ground is seen at a grazing angle: between its short and its long side
            footprint = sample[hit] * np.sqrt(np.maximum(hits.depth[hit] / camera.height, 1))
        colours[hit] = stuff.colours(label, places, footprint)
    return colours
