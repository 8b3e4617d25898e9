"""Where the things of a clip are: how far they move in the image is what is asked for.

A step is the displacement of the centre of a thing's whole box from one frame to the next, in
widths of the box in the earlier one; it includes what the camera's own motion does to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.optimize import brentq

from .camera import Camera, Pose
from .render import Clip, silhouettes
from .world import VIDEO_THINGS, Stuff, Thing, make_thing

__all__ = ['Style', 'make_clip']

TRIES = 12
LONGEST_HIDDEN = 3  # frames
LEAST_VISIBLE = 16  # pixels, of a thing that counts as seen
CROWD_SHARE, HIDING_SHARE = 0.25, 0.5  # of the clips
NEAR, FAR = 4.5, 12.0  # metres


@dataclass(frozen=True)
class Style:
    """How clips are drawn.

    Attributes:
        frames: Of a clip.
        motion: Shortest and longest step.
        class_colour: How far a thing's colour tells its class, from 0 to 1.
        things: Fewest and most things.
    """

    frames: int = 8
    motion: tuple[float, float] = (0.1, 1.5)
    class_colour: float = 0.5
    things: tuple[int, int] = (3, 7)


@dataclass(frozen=True)
class Anchor:
    """A frame in which a thing is at a column and a distance (metres), and where it moves to."""

    frame: int
    column: float
    distance: float
    side: int
    turns: bool


def make_clip(rng: Generator, camera: Camera, style: Style) -> Clip:
    """Draw a clip: the camera's way, stuff, things and sometimes a crowd.

    In every second clip a small thing passes behind a large one that hides it, if the range of
    motion allows that within :data:`LONGEST_HIDDEN` frames.
    """
    poses = list(_drive(rng, style.frames))
    clip = Clip(camera, poses, Stuff(rng, poses[0].heading))
    if rng.random() < CROWD_SHARE:
        _add_crowd(rng, clip, style)
    wanted = int(rng.integers(style.things[0], style.things[1] + 1))
    if style.frames >= 3 and rng.random() < HIDING_SHARE:
        _add_hiding_pair(rng, clip, style)
    for _ in range(wanted * TRIES):
        count = sum(thing.number > 0 for thing in clip.things)
        if count == wanted:
            break
        kind = VIDEO_THINGS[rng.integers(len(VIDEO_THINGS))]
        distance = np.exp(rng.uniform(np.log(NEAR), np.log(FAR)))
        _keep(clip, [_moving(rng, clip, style, count + 1, kind, _anchor(rng, clip, distance))])
    return clip


def _drive(rng: Generator, frames: int) -> Iterator[Pose]:
    heading = rng.uniform(0, 2 * np.pi)
    speed, turn = rng.uniform(0.0, 0.4), np.deg2rad(rng.uniform(-2, 2))
    x = y = 0.0
    for _ in range(frames):
        yield Pose(x, y, heading)
        x, y = x + speed * np.cos(heading), y + speed * np.sin(heading)
        heading += turn


def _anchor(rng: Generator, clip: Clip, distance: float) -> Anchor:
    return Anchor(
        frame=int(rng.integers(len(clip.poses))),
        column=rng.uniform(0.15, 0.85) * clip.camera.shape[1],
        distance=float(distance),
        side=int(rng.choice((-1, 1))),
        turns=bool(rng.random() < 0.5),
    )


def _moving(
    rng: Generator, clip: Clip, style: Style, number: int, kind: str, anchor: Anchor
) -> Thing:
    thing = make_thing(rng, number, kind, clip.stuff.mean_colour, style.class_colour)
    low, high = style.motion
    steps = np.clip(rng.uniform(low, high) * rng.uniform(0.9, 1.1, style.frames), low, high)
    growth = rng.uniform(-0.03, 0.03)
    return thing.at(_places(thing, clip.camera, anchor, steps, growth))


def _places(
    thing: Thing, camera: Camera, anchor: Anchor, steps: np.ndarray, growth: float
) -> np.ndarray:
    """Right and forward at every frame, ``(T, 2)``: from the anchor into both directions."""
    sideways = (anchor.column - camera.intrinsics[0, 2]) * anchor.distance / camera.focal
    places = np.empty((len(steps), 2))
    places[anchor.frame] = sideways, anchor.distance
    for way in (1, -1):
        side, frame = anchor.side * way, anchor.frame
        while 0 <= frame + way < len(steps):
            step = steps[min(frame, frame + way)]
            next_place = _next_place(thing, camera, places[frame], side * step, growth, way)
            frame += way
            places[frame] = next_place
            column = _middle(thing.box(camera, next_place))[0]
            if anchor.turns and not 0.1 < column / camera.shape[1] < 0.9:
                side = 1 if column < camera.shape[1] / 2 else -1
    return places


def _middle(box: np.ndarray) -> np.ndarray:
    middle: np.ndarray = (box[:2] + box[2:]) / 2
    return middle


def _next_place(
    thing: Thing, camera: Camera, place: np.ndarray, step: float, growth: float, way: int
) -> np.ndarray:
    """Go a signed step in widths from a place ``(2,)``, back in time with ``way`` of -1."""
    start = thing.box(camera, place)
    distance = float(place[1] * np.exp(growth * way))

    def beyond(right: float) -> float:
        """How far the step is too long, in pixels."""
        box = thing.box(camera, np.array([right, distance]))
        width = (start if way > 0 else box)[[0, 2]] @ (-1, 1)
        move = (_middle(box) - _middle(start)) * (np.sign(step), 1)
        return float(np.sign(move[0]) * np.hypot(*move) - abs(step) * width)

    still = place[0] * distance / place[1]  # where the column stays the same
    if beyond(still) >= 0:  # the row alone moves that far: stay at the distance
        return _next_place(thing, camera, place, step, 0.0, way)
    reach = 3 * (abs(step) + 1) * np.ptp(thing.points[:, 0])
    right = brentq(beyond, still, still + np.sign(step) * reach, xtol=1e-10)
    return np.array([right, distance])


def _keep(clip: Clip, things: list[Thing]) -> None:
    """Add things if all can be seen and none is hidden for too long, else leave them out."""
    added = Clip(clip.camera, clip.poses, clip.stuff, [*clip.things, *things])
    if all(_is_seen(runs) for runs in hidden_runs(added)):
        clip.things = added.things


def _is_seen(runs: tuple[int, list[int]]) -> bool:
    visible, hidden = runs
    return visible >= 2 and max(hidden, default=0) <= LONGEST_HIDDEN


def hidden_runs(clip: Clip) -> list[tuple[int, list[int]]]:
    """For each object: frames in which it is seen, and lengths of the gaps between them.

    Gaps in which it has left the image do not count.
    """
    counts = np.array([silhouettes(clip, number) for number in range(len(clip.poses))])
    found = []
    for index, thing in enumerate(clip.things):
        if thing.number == 0:
            continue
        runs, run = [], 0
        frames = np.flatnonzero(counts[:, index] > 0)
        for number in range(frames[0], frames[-1] + 1) if frames.size else ():
            if counts[number, index] == 0 and is_within(clip, thing, number):
                run += 1
            elif run:
                runs.append(run)
                run = 0
        found.append((int((counts[:, index] >= LEAST_VISIBLE).sum()), runs))
    return found


def is_within(clip: Clip, thing: Thing, number: int) -> bool:
    """Whether a pixel's centre of the image is in the thing's whole box."""
    left, top, right, bottom = thing.box(clip.camera, thing.places[number])
    height, width = clip.camera.shape
    return bool(left < width - 1 and right > 0 and top < height - 1 and bottom > 0)


def _add_hiding_pair(rng: Generator, clip: Clip, style: Style) -> None:
    """A small thing that a large one hides in one frame at least."""
    number = len([thing for thing in clip.things if thing.number]) + 1
    for _ in range(TRIES):
        far = Anchor(
            frame=int(rng.integers(1, style.frames - 1)),
            column=rng.uniform(0.3, 0.7) * clip.camera.shape[1],
            distance=rng.uniform(9, FAR),
            side=int(rng.choice((-1, 1))),
            turns=False,
        )
        near = Anchor(far.frame, far.column, rng.uniform(NEAR, 5.5), -far.side, turns=False)
        pair = [
            _moving(rng, clip, style, number, 'square', near),
            _moving(rng, clip, style, number + 1, str(rng.choice(['star', 'disc'])), far),
        ]
        added = Clip(clip.camera, clip.poses, clip.stuff, [*clip.things, *pair])
        runs = hidden_runs(added)
        if all(map(_is_seen, runs)) and runs[-1][1]:
            clip.things = added.things
            return


def _add_crowd(rng: Generator, clip: Clip, style: Style) -> None:
    """Small things of one class close together, which stay where they are."""
    kind = VIDEO_THINGS[rng.integers(len(VIDEO_THINGS))]
    middle = np.array([rng.uniform(-3, 3), rng.uniform(9, 14)])
    for _ in range(int(rng.integers(5, 9))):
        start = middle + rng.normal(size=2) * (1.0, 0.4)
        member = make_thing(rng, 0, kind, clip.stuff.mean_colour, style.class_colour, scale=0.6)
        world = clip.poses[0].to_world(start)
        places = np.array([pose.to_level(world) for pose in clip.poses])
        clip.things.append(member.at(places))
