"""Crops of single rendered shapes as class folders, to pretrain a classifier on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmvisx.utils import UserError
from mmvisx.utils.progress import progress

from .render import SHAPES_CLASSES, Scene, render_scene

__all__ = ['CropsConfig', 'crop_object', 'write_crops']

SURROUNDINGS = 1.5  # side of a crop, in lengths of the object's longer side


@dataclass(frozen=True)
class CropsConfig:
    """What determines the crops: the same values give the same bytes.

    Attributes:
        train: Crops to train on.
        val: Crops to validate on.
        size: Side of a crop in pixels.
        seed: Of the renderer; images of another seed have nothing in common.
        scene_size: Side of the rendered images in pixels.
    """

    train: int = 6000
    val: int = 600
    size: int = 64
    seed: int = 1
    scene_size: int = 96

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.seed) < 0 or self.train < 1:
            raise UserError(
                f'--train {self.train} --val {self.val} --seed {self.seed}: at least 1, 0 and 0'
            )
        if not 8 <= self.size <= 512:
            raise UserError(f'--size {self.size}: must be between 8 and 512 pixels')
        if not 48 <= self.scene_size <= 2048:
            raise UserError(f'--scene-size {self.scene_size}: must be between 48 and 2048 pixels')


def crop_object(scene: Scene, size: int) -> np.ndarray:
    """Cut the first object out of a scene, with what is around it.

    Args:
        scene: With at least one object.
        size: Side of the crop in pixels.

    Returns:
        ``(size, size, 3)`` uint8: a square of :data:`SURROUNDINGS` times the longer side of
        the object's box, moved into the image where it would reach beyond its edge.
    """
    x, y, width, height = scene.instances[0].box
    whole = scene.image.shape[0]
    side = min(round(SURROUNDINGS * max(width, height)), whole)
    left, top = (
        int(np.clip(round(start + extent / 2 - side / 2), 0, whole - side))
        for start, extent in ((x, width), (y, height))
    )
    crop = scene.image[top : top + side, left : left + side]
    shrinks = side > size
    return cv2.resize(
        crop, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def write_crops(out: str | Path, config: CropsConfig) -> None:
    """Write ``out/{train,val}/{class}/{number}.png``, one object to a crop.

    The folder takes its name when it is complete.

    Raises:
        UserError: ``out`` exists.
    """
    out = Path(out)
    if out.exists():
        raise UserError(f'{out} exists: remove it, or choose another --out')
    partial = out.with_name(f'{out.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    for split in ('train', 'val'):
        for name in SHAPES_CLASSES:
            (partial / split / name).mkdir(parents=True)
    for number in progress(range(config.train + config.val), 'rendering', 'image'):
        split = 'train' if number < config.train else 'val'
        scene = render_scene(config.seed, number, config.scene_size, (1, 1))
        folder = partial / split / SHAPES_CLASSES[scene.instances[0].label]
        cv2.imwrite(str(folder / f'{number:06d}.png'), crop_object(scene, config.size))
    partial.rename(out)
