"""Write rendered clips in the layouts of Cityscapes-DVPS and SemKITTI-DVPS."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_json
from mmvisx.utils.progress import progress

from .camera import Camera
from .lidar import lidar_to_camera, scan
from .render import FIRST_THING, VOID, Clip, Frame, look, render_frame
from .tracks import Style, is_within, make_clip
from .world import VIDEO_CLASSES, VIDEO_THINGS

__all__ = ['BASELINE', 'ShapesVideoConfig', 'make_shapes_video']

FORMAT = 1  # goes up whenever the same arguments give other bytes
GENERATOR = 'make_shapes_video'
BASELINE = 0.54  # metres between the eyes
LAYOUTS = ('cityscapes', 'semkitti')
OFFSET = 1000  # a segment's number is class x 1000 + id
CITYSCAPES_VOID = 32 * OFFSET
DEPTH_UNITS = 256  # of a metre, in 16 bits


@dataclass(frozen=True)
class ShapesVideoConfig:
    """What determines the clips: the same values give the same bytes.

    Attributes:
        train: Clips to train on.
        val: Clips to validate on.
        frames: Of a clip.
        size: Width and height in pixels.
        seed: Of the renderer.
        motion: Shortest and longest displacement per frame, in widths of the object.
        class_colour: How far a thing's colour tells its class, from 0 to 1.
        layout: One of :data:`LAYOUTS`.
        stereo: Write right views, too.
        lidar: Write scans, too.
    """

    train: int = 48
    val: int = 12
    frames: int = 8
    size: tuple[int, int] = (160, 96)
    seed: int = 0
    motion: tuple[float, float] = (0.1, 1.5)
    class_colour: float = 0.5
    layout: str = 'cityscapes'
    stereo: bool = False
    lidar: bool = False

    def __post_init__(self) -> None:
        if self.train < 1 or min(self.val, self.seed) < 0:
            raise UserError(
                f'--train {self.train} --val {self.val} --seed {self.seed}: at least 1, 0 and 0'
            )
        if not 2 <= self.frames <= 1000:
            raise UserError(f'--frames {self.frames}: must be between 2 and 1000')
        if not all(64 <= side <= 2048 for side in self.size):
            raise UserError(f'--size {self.size[0]} {self.size[1]}: 64 to 2048 pixels each')
        low, high = self.motion
        if not 0 <= low <= high <= 4:
            raise UserError(f'--motion {low} {high}: need 0 <= LOW <= HIGH <= 4 object widths')
        if not 0 <= self.class_colour <= 1:
            raise UserError(f'--class-colour {self.class_colour}: must be between 0 and 1')
        if self.layout not in LAYOUTS:
            raise UserError(f'--layout {self.layout}: must be {" or ".join(LAYOUTS)}')

    @property
    def camera(self) -> Camera:
        """What renders: as wide an angle, whatever the width is."""
        return Camera(self.size[::-1], focal=0.8 * self.size[0])

    @property
    def style(self) -> Style:
        """How clips are drawn."""
        return Style(self.frames, self.motion, self.class_colour)

    @property
    def meta(self) -> dict[str, Any]:
        """Content of ``meta.json``."""
        return {
            'generator': GENERATOR,
            'format': FORMAT,
            'arguments': json.loads(json.dumps(asdict(self))),
            'classes': list(VIDEO_CLASSES),
            'thing_classes': list(VIDEO_THINGS),
        }

    def splits(self) -> Iterator[tuple[str, range]]:
        """Clip numbers of each split; no number occurs in both."""
        yield 'train', range(self.train)
        yield 'val', range(self.train, self.train + self.val)


def clip_of(config: ShapesVideoConfig, number: int) -> Clip:
    """Draw one clip, which does not depend on the others."""
    return make_clip(np.random.default_rng([config.seed, number]), config.camera, config.style)


def _save(path: Path, image: np.ndarray) -> None:
    if not cv2.imwrite(str(path), image):
        raise UserError(f'{path} cannot be written')


def _write_frame(frame: Frame, folder: Path, stem: str, config: ShapesVideoConfig) -> None:
    void = frame.labels == VOID
    _save(folder / f'{stem}_leftImg8bit.png', frame.image)
    depth = np.round(frame.depth * DEPTH_UNITS).astype(np.uint16)
    if config.layout == 'cityscapes':
        codes = np.where(void, CITYSCAPES_VOID, frame.labels * np.int32(OFFSET) + frame.ids)
        _save(folder / f'{stem}_gtFine_instanceTrainIds.png', codes.astype(np.uint16))
        _save(folder / f'{stem}_depth.png', depth)
    else:
        _save(folder / f'{stem}_gtFine_class.png', frame.labels)
        _save(folder / f'{stem}_gtFine_instance.png', frame.ids.astype(np.uint16))
        _save(folder / f'{stem}_depth_{config.camera.focal:g}.png', depth)


def _describe(clip: Clip, number: int) -> dict[str, Any]:
    """Pose and objects of a frame, as JSON has them."""
    surfaces = look(clip, number)
    objects = []
    for index, thing in enumerate(clip.things, FIRST_THING):
        if not is_within(clip, thing, number):
            continue
        place = thing.places[number]
        outline = thing.project(clip.camera, place).astype(np.float32)
        area = max(float(cv2.contourArea(outline)), 1e-6)
        objects.append(
            {
                'id': thing.number,
                'class': VIDEO_THINGS[thing.label],
                'crowd': thing.number == 0,
                'box': [round(v, 4) for v in thing.box(clip.camera, place).tolist()],
                'visibility': round(min(float((surfaces == index).sum()) / area, 1.0), 4),
                'position': [round(v, 4) for v in clip.poses[number].to_world(place).tolist()],
            }
        )
    matrix = clip.poses[number].matrix(clip.camera)
    return {'frame_id': number, 'pose': matrix.tolist(), 'objects': objects}


def _make_one(number: int, *, config: ShapesVideoConfig, folder: Path) -> dict[str, Any]:
    """Render and write a clip; return its entry of the JSON."""
    clip = clip_of(config, number)
    city = f'_shapes_{number:06d}' if config.layout == 'cityscapes' else ''
    described = []
    for t in range(config.frames):
        stem = f'{number:06d}_{t:06d}' + (f'{city}_{t:06d}' if city else '')
        rng = np.random.default_rng([config.seed, number, t])
        _write_frame(render_frame(clip, t, rng), folder, stem, config)
        if config.stereo:
            other = render_frame(clip, t, rng, right=BASELINE)
            _save(folder / f'{stem}_rightImg8bit.png', other.image)
        if config.lidar:
            scan(clip, t).tofile(folder / f'{stem}_velodyne.bin')
        described.append(_describe(clip, t))
    entry = {
        'video_id': f'{number:06d}',
        'intrinsics': clip.camera.intrinsics.tolist(),
        'width': config.size[0],
        'height': config.size[1],
        'frames': described,
    }
    if config.stereo:
        entry['baseline'] = BASELINE
    if config.lidar:
        entry['lidar_to_camera'] = lidar_to_camera(clip.camera).tolist()
    return entry


def _write_all(config: ShapesVideoConfig, root: Path, workers: int) -> None:
    pool = ProcessPoolExecutor(workers) if workers > 1 else None
    with pool or nullcontext():
        for split, numbers in config.splits():
            (root / split).mkdir(parents=True)
            make = partial(_make_one, config=config, folder=root / split)
            made = pool.map(make, numbers) if pool else map(make, numbers)
            clips = list(progress(made, f'rendering {split}', 'clip', len(numbers)))
            write_json(root / f'{split}.json', {'clips': clips})
    write_json(root / 'meta.json', config.meta)


def _existing_meta(out: Path) -> dict[str, Any] | None:
    try:
        meta = json.loads((out / 'meta.json').read_text())
    except (OSError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.get('generator') == GENERATOR else None


def make_shapes_video(
    out: str | os.PathLike, config: ShapesVideoConfig, workers: int = 1, force: bool = False
) -> bool:
    """Render the clips into ``out``; False if the same ones are there already.

    The files are made in a folder beside ``out`` that takes its name at the end.

    Raises:
        UserError: ``out`` holds something else, and either ``force`` is not given or it was not
            written by this function.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        meta = _existing_meta(out) if out.is_dir() else None
        if meta is None:
            raise UserError(f'{out} exists and holds no rendered clips: choose another --out')
        if meta == config.meta and not force:
            return False
        if not force:
            raise UserError(
                f'{out} holds clips made with {meta.get("arguments")}, not with '
                f'{config.meta["arguments"]}: choose another --out, or replace it with --force'
            )
    partial_out = out.with_name(f'{out.name}.partial')
    shutil.rmtree(partial_out, ignore_errors=True)
    _write_all(config, partial_out, workers)
    if out.exists():
        shutil.rmtree(out)
    partial_out.rename(out)
    return True
