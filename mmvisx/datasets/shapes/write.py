"""Write the embedded data set in the layouts of COCO and of PASCAL VOC."""

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
from PIL import Image
from pycocotools import mask as mask_api

from mmvisx.utils import UserError
from mmvisx.utils.files import write_json, write_text
from mmvisx.utils.progress import progress

from .render import (
    CONTEXT_CLASSES,
    MAX_DIAMETER,
    MIN_DIAMETER,
    MIN_VISIBLE,
    SHAPES_CLASSES,
    SHAPES_STUFF,
    Instance,
    Scene,
    Style,
    render_scene,
)
from .voc import write_lists, write_voc

FORMAT = 1  # goes up whenever the same arguments give other bytes
GENERATOR = 'make_shapes'
CROWD_PERIOD, CROWD_OFFSET = 33, 5  # 3 % of the images have a crowd
MIN_POLYGON_IOU = 0.95


@dataclass(frozen=True)
class ShapesConfig:
    """What determines the data set: the same values give the same bytes."""

    train: int = 400
    val: int = 100
    size: int = 128
    min_objects: int = 2
    max_objects: int = 6
    seed: int = 0
    parts: bool = False
    sizes: tuple[float, float] = (MIN_DIAMETER, MAX_DIAMETER)
    visibility: float = MIN_VISIBLE
    context: bool = False

    def __post_init__(self) -> None:
        if self.train < 1 or self.val < 0:
            raise UserError(f'--train {self.train} --val {self.val}: at least 1 and 0 images')
        if not 48 <= self.size <= 2048:
            raise UserError(f'--size {self.size}: must be between 48 and 2048 pixels')
        if not 1 <= self.min_objects <= self.max_objects:
            raise UserError(
                f'--min-objects {self.min_objects} --max-objects {self.max_objects}: '
                'need 1 <= min <= max'
            )
        if self.seed < 0:
            raise UserError(f'--seed {self.seed}: must not be negative')
        low, high = self.sizes
        if not 0.05 <= low <= high <= 1:
            raise UserError(f'--sizes {low} {high}: need 0.05 <= LOW <= HIGH <= 1 sides')
        if not 0 < self.visibility <= 1:
            raise UserError(f'--visibility {self.visibility}: must be above 0 and at most 1')

    @property
    def arguments(self) -> dict[str, Any]:
        """What to say in ``meta.json``; later options only if they are used."""
        values = asdict(self)
        default = ShapesConfig()
        for key in ('parts', 'sizes', 'visibility', 'context'):
            if values[key] == getattr(default, key):
                del values[key]
        if 'sizes' in values:
            values['sizes'] = list(self.sizes)  # as JSON has it
        return values

    @property
    def style(self) -> Style:
        """How objects are drawn."""
        return Style(self.sizes, self.visibility, self.context)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return CONTEXT_CLASSES if self.context else SHAPES_CLASSES

    @property
    def meta(self) -> dict[str, Any]:
        """Content of ``meta.json``."""
        return {
            'generator': GENERATOR,
            'format': FORMAT,
            'arguments': self.arguments,
            'classes': list(self.classes),
            'stuff': list(SHAPES_STUFF),
        }

    def splits(self) -> Iterator[tuple[str, range]]:
        """Image numbers of each split; no number occurs in both."""
        yield 'train', range(1, self.train + 1)
        yield 'val', range(self.train + 1, self.train + self.val + 1)


def segmentation(instance: Instance) -> list[list[int]] | dict[str, Any]:
    """Polygons around the visible part, or COCO's uncompressed RLE where those fail.

    RLE is taken for crowds, as in COCO, for masks with a hole, and where the polygons
    rasterise to something else than the mask.
    """
    mask = instance.mask.astype(np.uint8)
    if not instance.crowd:
        # Polygons run through pixel corners in COCO and through pixel centres in OpenCV:
        # at twice the resolution an outline of centres lies a quarter pixel inside.
        double = cv2.resize(mask, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        contours, tree = cv2.findContours(double, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        polygons = [((c.reshape(-1) + 0.5) / 2).tolist() for c in contours if len(c) >= 3]
        if polygons and (tree[0, :, 3] < 0).all():
            height, width = mask.shape
            rle = mask_api.merge(mask_api.frPyObjects(polygons, height, width))
            drawn = mask_api.decode(rle).astype(bool)
            if (drawn & instance.mask).sum() >= MIN_POLYGON_IOU * (drawn | instance.mask).sum():
                return polygons
    pixels = mask.flatten(order='F')
    changes = np.flatnonzero(np.diff(pixels)) + 1
    counts = np.diff(np.concatenate([[0], changes, [pixels.size]])).tolist()
    return {'size': list(mask.shape), 'counts': [0, *counts] if pixels[0] else counts}


def coco_annotations(
    instances: list[Instance], image_id: int, visibility: bool = False
) -> list[dict[str, Any]]:
    """COCO annotations of one image, their ids still missing.

    With ``visibility`` they say which share of the object can be seen, in (0, 1].
    """
    return [
        {
            'image_id': image_id,
            'category_id': o.label + 1,
            'bbox': list(o.box),
            'area': o.area,
            'iscrowd': int(o.crowd),
            'segmentation': segmentation(o),
            **({'visibility': round(o.area / o.full_area, 4)} if visibility else {}),
        }
        for o in instances
    ]


def write_scene(
    scene: Scene, root: Path, split: str, number: int, config: ShapesConfig = ShapesConfig()
) -> list[dict[str, Any]]:
    """Write the files of one image, with its part map if asked; return its COCO annotations."""
    name = f'{number:06d}'
    image = root / 'coco' / split / f'{name}.jpg'
    cv2.imwrite(str(image), scene.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    Image.fromarray(scene.labels).save(root / 'coco' / 'stuffthingmaps' / split / f'{name}.png')
    write_voc(scene, root, name, image, config.parts, config.classes)
    return coco_annotations(scene.instances, number, config.style != Style())


def _make_one(number: int, *, config: ShapesConfig, root: Path, split: str) -> list[dict]:
    crowd = number % CROWD_PERIOD == CROWD_OFFSET
    objects = (config.min_objects, config.max_objects)
    scene = render_scene(config.seed, number, config.size, objects, crowd, config.style)
    return write_scene(scene, root, split, number, config)


def _coco_json(config: ShapesConfig, numbers: range, annotations: list[list[dict]]) -> dict:
    size = config.size
    flat = [a for per_image in annotations for a in per_image]
    return {
        'info': {'description': 'mmvisx shapes', 'version': str(FORMAT)},
        'licenses': [],
        'images': [
            {'id': n, 'file_name': f'{n:06d}.jpg', 'width': size, 'height': size} for n in numbers
        ],
        'annotations': [{'id': k, **a} for k, a in enumerate(flat, start=1)],
        'categories': [
            {'id': k, 'name': name, 'supercategory': 'shape'}
            for k, name in enumerate(config.classes, start=1)
        ],
    }


def _write_all(config: ShapesConfig, root: Path, workers: int) -> None:
    (root / 'coco' / 'annotations').mkdir(parents=True)
    folders = ['Annotations', 'JPEGImages', 'SegmentationClass', 'SegmentationObject']
    for folder in [*folders, 'SegmentationPart'] if config.parts else folders:
        (root / 'VOCdevkit' / 'VOC2012' / folder).mkdir(parents=True)
    pool = ProcessPoolExecutor(workers) if workers > 1 else None
    with pool or nullcontext():
        for split, numbers in config.splits():
            (root / 'coco' / split).mkdir()
            (root / 'coco' / 'stuffthingmaps' / split).mkdir(parents=True)
            make = partial(_make_one, config=config, root=root, split=split)
            made = pool.map(make, numbers, chunksize=8) if pool else map(make, numbers)
            annotations = list(progress(made, f'rendering {split}', 'image', len(numbers)))
            content = json.dumps(_coco_json(config, numbers, annotations), separators=(',', ':'))
            write_text(root / 'coco' / 'annotations' / f'instances_{split}.json', content)
    write_lists(dict(config.splits()), root)
    write_json(root / 'meta.json', config.meta)


def existing_meta(out: Path) -> dict[str, Any] | None:
    """The ``meta.json`` in a folder that this generator wrote, else None."""
    try:
        meta = json.loads((out / 'meta.json').read_text())
    except (OSError, ValueError):
        return None
    return meta if isinstance(meta, dict) and meta.get('generator') == GENERATOR else None


def make_shapes(
    out: str | os.PathLike, config: ShapesConfig, workers: int = 1, force: bool = False
) -> bool:
    """Render the data set into ``out``; False if the same one is there already.

    The files are made in a folder beside ``out`` that takes its name at the end, so an
    interrupted run leaves no half of a data set behind.

    Raises:
        UserError: ``out`` holds something else, and either ``force`` is not given or it
            was not written by this function.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        meta = existing_meta(out) if out.is_dir() else None
        if meta is None:
            raise UserError(f'{out} exists and is not a shapes data set: choose another --out')
        if meta == config.meta and not force:
            return False
        if not force:
            raise UserError(
                f'{out} holds a shapes data set made with {meta.get("arguments")}, not with '
                f'{config.arguments}: choose another --out, or replace it with --force'
            )
    partial_out = out.with_name(f'{out.name}.partial')
    shutil.rmtree(partial_out, ignore_errors=True)
    _write_all(config, partial_out, workers)
    if out.exists():
        shutil.rmtree(out)
    partial_out.rename(out)
    return True
