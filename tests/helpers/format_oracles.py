"""Read COCO, VOC, YOLO and LabelMe in the plainest way: what a converter should have written."""

from __future__ import annotations

import contextlib
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import yaml
from pycocotools.coco import COCO

Found = list[tuple[str, list[tuple[str, list[float]]]]]


def coco_boxes(root: Path, split: str) -> Found:
    """Stem of each image in the order of the ids, class and box (x1, y1, x2, y2) of its objects."""
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO(str(root / 'annotations' / f'instances_{split}.json'))
    found = []
    for image_id in sorted(api.imgs):
        items = [a for a in api.imgToAnns[image_id] if not a['iscrowd']]
        boxes = [(api.cats[a['category_id']]['name'], a['bbox']) for a in items]
        image = api.imgs[image_id]
        assert cv2.imread(str(root / split / image['file_name'])).shape[:2] == (
            image['height'],
            image['width'],
        )
        objects = [(name, [x, y, x + w, y + h]) for name, (x, y, w, h) in boxes]
        found.append((Path(image['file_name']).stem, objects))
    return found


def voc_boxes(root: Path, split: str) -> Found:
    """The same of VOC, pixels counted from 1, the last one included."""
    year = root / 'VOCdevkit' / 'VOC2012'
    found = []
    for stem in (year / f'ImageSets/Main/{split}.txt').read_text().splitlines():
        tree = ET.parse(year / f'Annotations/{stem}.xml')
        assert (year / 'JPEGImages' / tree.findtext('filename')).is_file()
        objects = []
        for item in tree.iter('object'):
            x1, y1, x2, y2 = (int(e.text) for e in item.find('bndbox'))
            assert 1 <= x1 <= x2 <= int(tree.findtext('size/width'))
            assert 1 <= y1 <= y2 <= int(tree.findtext('size/height'))
            objects.append((item.findtext('name'), [x1 - 1, y1 - 1, x2, y2]))
        found.append((stem, objects))
    return found


def yolo_boxes(root: Path, split: str) -> Found:
    """The same of YOLO; the box of a polygon is its extent."""
    data = yaml.safe_load((root / 'data.yaml').read_text())
    place = root / data[split]
    if place.is_dir():
        images = sorted(place.iterdir())
    else:
        images = [root / line for line in place.read_text().splitlines()]
    found = []
    for image in images:
        height, width = cv2.imread(str(image)).shape[:2]
        text = root / 'labels' / split / f'{image.stem}.txt'
        objects = []
        for line in text.read_text().splitlines():
            number, *values = line.split()
            v = [float(value) for value in values]
            assert min(v) >= 0
            assert max(v) <= 1
            if len(v) == 4:
                box = [v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2]
            else:
                box = [min(v[::2]), min(v[1::2]), max(v[::2]), max(v[1::2])]
            scaled = [value * side for value, side in zip(box, (width, height) * 2, strict=True)]
            objects.append((data['names'][int(number)], scaled))
        found.append((image.stem, objects))
    return found


def labelme_boxes(root: Path, split: str) -> Found:
    """The same of LabelMe; shapes of a group are one object."""
    found = []
    for path in sorted((root / split).glob('*.json')):
        data = json.loads(path.read_text())
        image = cv2.imread(str(path.parent / data['imagePath']))
        assert image.shape[:2] == (data['imageHeight'], data['imageWidth'])
        groups: dict = {}
        for k, shape in enumerate(data['shapes']):
            group = k if shape['group_id'] is None else (shape['label'], shape['group_id'])
            groups.setdefault(group, (shape['label'], []))[1].extend(shape['points'])
        objects = []
        for name, points in groups.values():
            xs, ys = zip(*points, strict=True)
            objects.append((name, [min(xs), min(ys), max(xs), max(ys)]))
        found.append((path.stem, objects))
    return found


ORACLES = {'coco': coco_boxes, 'voc': voc_boxes, 'yolo': yolo_boxes, 'labelme': labelme_boxes}


def largest_difference(found: Found, expected: Found) -> float:
    """Pixels between edges of boxes; images, classes and their order must be the same."""
    assert [stem for stem, _ in found] == [stem for stem, _ in expected]
    worst = 0.0
    for (_, objects), (_, others) in zip(found, expected, strict=True):
        assert [name for name, _ in objects] == [name for name, _ in others]
        for (_, box), (_, other) in zip(objects, others, strict=True):
            worst = max(worst, *(abs(a - b) for a, b in zip(box, other, strict=True)))
    return worst
