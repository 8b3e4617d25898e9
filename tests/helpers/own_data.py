"""Somebody's own data in each format that ``mmvisx init`` knows, small enough to train on at once.

Two classes: red and blue squares on 64 x 48 pixels, one of each in an image.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from tests.helpers.datasets import labelme_shape, voc_xml

CLASSES = ('blue', 'red')
SIZE = (64, 48)
COLOURS = ((250, 60, 30), (30, 60, 250))


def squares(k: int) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of the blue and the red square of image ``k``."""
    return [(4 + k % 5, 5 + k % 7, 20, 20), (36 - k % 3, 12 + k % 4, 18, 22)]


def picture(k: int) -> np.ndarray:
    """Image ``k``."""
    image = np.random.default_rng(k).integers(90, 120, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    for colour, (x, y, w, h) in zip(COLOURS, squares(k), strict=True):
        image[y : y + h, x : x + w] = colour
    return image


def write_image(path: Path, k: int) -> Path:
    """Write image ``k``, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture(k))
    return path


def corners(x: int, y: int, w: int, h: int) -> list[int]:
    """The polygon of a box."""
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def coco(root: Path, images: int = 6, name: str = 'instances.json', first: int = 0) -> Path:
    """``images/`` and a COCO file with a polygon for each object."""
    numbers = range(first, first + images)
    annotations = [
        dict(id=2 * k + c, image_id=k, category_id=c + 1, bbox=[*box], area=box[2] * box[3],
             iscrowd=0, segmentation=[corners(*box)])
        for k in numbers
        for c, box in enumerate(squares(k))
    ]  # fmt: skip
    content = dict(
        images=[dict(id=k, file_name=f'{k}.jpg', width=SIZE[0], height=SIZE[1]) for k in numbers],
        annotations=annotations,
        categories=[dict(id=c + 1, name=label) for c, label in enumerate(CLASSES)],
    )
    for k in numbers:
        write_image(root / 'images' / f'{k}.jpg', k)
    (root / name).write_text(json.dumps(content))
    return root


def voc(root: Path, images: int = 6) -> Path:
    """A VOC year without lists."""
    year = root / 'VOC2012'
    (year / 'Annotations').mkdir(parents=True)
    for k in range(images):
        write_image(year / 'JPEGImages' / f'{k}.jpg', k)
        boxes = [(x + 1, y + 1, x + w, y + h) for x, y, w, h in squares(k)]
        text = voc_xml(list(zip(CLASSES, boxes, strict=True)), str(k))
        text = text.replace('<width>40', '<width>64').replace('<height>30', '<height>48')
        (year / 'Annotations' / f'{k}.xml').write_text(text)
    return root


def yolo(root: Path, images: int = 6, yaml: bool = True) -> Path:
    """``images/train`` and ``labels/train`` with polygons; with a ``data.yaml`` or without."""
    for k in range(images):
        write_image(root / 'images' / 'train' / f'{k}.jpg', k)
        label = root / 'labels' / 'train' / f'{k}.txt'
        label.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f'{c} ' + ' '.join(f'{v / SIZE[n % 2]:.6f}' for n, v in enumerate(corners(*box)))
            for c, box in enumerate(squares(k))
        ]
        label.write_text('\n'.join(lines) + '\n')
    if yaml:
        (root / 'data.yaml').write_text(f'train: images/train\nnames: [{", ".join(CLASSES)}]\n')
    return root


def labelme(root: Path, images: int = 6) -> Path:
    """A LabelMe file of polygons beside each image."""
    for k in range(images):
        write_image(root / f'{k}.jpg', k)
        shapes = [
            labelme_shape(label, np.reshape(corners(*box), (4, 2)).tolist())
            for label, box in zip(CLASSES, squares(k), strict=True)
        ]
        content = dict(shapes=shapes, imagePath=f'{k}.jpg', imageWidth=SIZE[0], imageHeight=SIZE[1])
        (root / f'{k}.json').write_text(json.dumps(content))
    return root


def masks(root: Path, images: int = 6) -> Path:
    """``images/`` and ``masks/`` with the labels 0, 1 and 2."""
    (root / 'masks').mkdir(parents=True)
    for k in range(images):
        write_image(root / 'images' / f'{k}.jpg', k)
        labels = np.zeros(SIZE[::-1], np.uint8)
        for c, (x, y, w, h) in enumerate(squares(k)):
            labels[y : y + h, x : x + w] = c + 1
        cv2.imwrite(str(root / 'masks' / f'{k}.png'), labels)
    return root


def folders(root: Path, images: int = 6) -> Path:
    """A folder of images for each class: one square alone."""
    for c, label in enumerate(CLASSES):
        for k in range(images):
            x, y, w, h = squares(k)[c]
            path = root / label / f'{k}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), picture(k)[y : y + h, x : x + w])
    return root


WRITERS = dict(coco=coco, voc=voc, yolo=yolo, labelme=labelme, masks=masks, folders=folders)
