"""Small data sets on disk for the tests of the readers."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

CLASSES = ('cat', 'dog')


class Labelled:
    """A data set of labels."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def get_gt_labels(self):
        """Return the labels as mmpretrain's data sets do."""
        return self.labels


def coco_content(images: int = 2) -> dict:
    """Images of 40 x 30 pixels, each with a cat and a dog."""
    annotations = []
    for image_id in range(1, images + 1):
        for category_id in (1, 2):
            x, y = 4 * category_id, 5
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': category_id,
                    'bbox': [x, y, 10, 8],
                    'area': 80,
                    'iscrowd': 0,
                    'segmentation': [[x, y, x + 10, y, x + 10, y + 8, x, y + 8]],
                }
            )
    return {
        'images': [
            {'id': k, 'file_name': f'{k}.jpg', 'width': 40, 'height': 30}
            for k in range(1, images + 1)
        ],
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'cat'}, {'id': 2, 'name': 'dog'}],
    }


def noise_image(height: int = 30, width: int = 40) -> np.ndarray:
    """A picture that does not compress to nothing."""
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def write_coco(root: Path, content: dict, stuff: bool = False) -> Path:
    """Write ``ann.json``, ``img/`` and ``stuff/``; returns the JSON's path."""
    (root / 'img').mkdir(parents=True, exist_ok=True)
    (root / 'stuff').mkdir(exist_ok=True)
    for image in content.get('images', []):
        cv2.imwrite(str(root / 'img' / image['file_name']), noise_image())
        if stuff:
            name = Path(image['file_name']).stem + '.png'
            cv2.imwrite(str(root / 'stuff' / name), np.full((30, 40), 3, np.uint8))
    path = root / 'ann.json'
    path.write_text(json.dumps(content))
    return path


VOC_OBJECT = (
    '<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{box[0]}</xmin>'
    '<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>'
)


def voc_xml(objects: list[tuple[str, tuple[int, int, int, int]]], name: str = '1') -> str:
    """An XML annotation of a 40 x 30 image."""
    items = ''.join(VOC_OBJECT.format(name=label, box=box) for label, box in objects)
    return (
        f'<annotation><filename>{name}.jpg</filename>'
        '<size><width>40</width><height>30</height><depth>3</depth></size>'
        f'{items}</annotation>'
    )


def write_voc(root: Path, xmls: dict[str, str]) -> Path:
    """Write a year folder with one XML text per image; returns the image list."""
    year = root / 'VOC2012'
    for folder in ('Annotations', 'JPEGImages', 'ImageSets/Main'):
        (year / folder).mkdir(parents=True)
    for name, text in xmls.items():
        (year / 'Annotations' / f'{name}.xml').write_text(text)
        cv2.imwrite(str(year / 'JPEGImages' / f'{name}.jpg'), noise_image())
    path = year / 'ImageSets' / 'Main' / 'train.txt'
    path.write_text(''.join(f'{name}\n' for name in xmls))
    return path


def write_yolo(root: Path, labels: dict[str, str], split: str = 'train') -> Path:
    """Write 40 x 30 images, a text of labels for each name, and ``data.yaml``; returns its path."""
    for folder in ('images', 'labels'):
        (root / folder / split).mkdir(parents=True, exist_ok=True)
    for name, text in labels.items():
        (root / 'labels' / split / f'{name}.txt').write_text(text)
        cv2.imwrite(str(root / 'images' / split / f'{name}.jpg'), noise_image())
    path = root / 'data.yaml'
    path.write_text(f'path: .\ntrain: images/{split}\nnames: [cat, dog]\n')
    return path


def labelme_shape(label: str, points: list, kind: str = 'polygon', **more: object) -> dict:
    """A shape of a LabelMe file."""
    shape = dict(label=label, points=points, shape_type=kind, group_id=None, flags={})
    return {**shape, **more}


def write_labelme(root: Path, files: dict[str, list]) -> Path:
    """Write 40 x 30 images and a LabelMe file of shapes for each name; returns the folder."""
    root.mkdir(parents=True, exist_ok=True)
    for name, shapes in files.items():
        cv2.imwrite(str(root / f'{name}.jpg'), noise_image())
        content = dict(
            version='5.5.0',
            flags={},
            shapes=shapes,
            imagePath=f'{name}.jpg',
            imageData=None,
            imageHeight=30,
            imageWidth=40,
        )
        (root / f'{name}.json').write_text(json.dumps(content))
    return root
