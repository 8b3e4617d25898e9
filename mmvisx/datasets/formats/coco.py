"""COCO: a JSON file for each split."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmvisx.datasets.detection.coco_json import duplicates, valid_box
from mmvisx.utils import UserError
from mmvisx.utils.coco_file import read_coco
from mmvisx.utils.inside import check_inside
from mmvisx.utils.progress import progress

from .outlines import area, rle_outlines
from .records import Content, Picture, Place, Thing, folder_of, safe_name, true_size

__all__ = ['coco_files', 'read_content', 'write_content']

OTHER_KINDS = ('panoptic_', 'captions_', 'person_keypoints_', 'stuff_', 'image_info_')
KNOWN = {'id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'segmentation', 'ignore'}
SNIFFED = 65_536  # bytes at both ends of a file: it may be a gigabyte


def is_coco(path: Path) -> bool:
    """Whether a JSON file looks like COCO's instances, without reading all of it."""
    if path.name.startswith(OTHER_KINDS):
        return False
    with path.open('rb') as file:
        text = file.read(SNIFFED)
        file.seek(max(file.tell(), path.stat().st_size - SNIFFED))
        text += file.read()
    keys = (b'"images"', b'"annotations"', b'"categories"')
    return b'"segments_info"' not in text and any(key in text for key in keys)


def coco_files(source: Path) -> dict[str, Path]:
    """Annotation files of a data set by the name of their split; none if it is not COCO's."""
    if source.is_file():
        paths = [source] if source.suffix == '.json' else []
    else:
        patterns = ('annotations/*.json', '*.json', '*/_annotations.coco.json')
        paths = [path for pattern in patterns for path in sorted(source.glob(pattern))]
    return {_split_name(path): path for path in paths if is_coco(path)}


def _split_name(path: Path) -> str:
    if path.name == '_annotations.coco.json':
        return path.parent.name
    return path.stem.removeprefix('instances_')


def read_content(source: Path, images: Path | None, wanted: Sequence[str]) -> Content:
    """Read the splits.

    Args:
        source: A JSON file, or a folder with some.
        images: Folder of the images, by default looked for.
        wanted: Names of splits; all if there is none.

    Raises:
        UserError: A file is faulty, or an image is missing or outside of the data set.
    """
    files = {k: v for k, v in coco_files(source).items() if not wanted or k in wanted}
    content = Content([], {})
    for split, path in files.items():
        data = read_coco(path)
        for key in ('images', 'categories'):
            for value in duplicates(item['id'] for item in data[key])[:1]:
                raise UserError(f'{path}: id {value} occurs twice in {key!r}: number them anew')
        categories = sorted(data['categories'], key=lambda item: item['id'])
        names = [str(item['name']) for item in categories]
        if content.classes and names != content.classes:
            raise UserError(f'{path}: its categories differ from those of {next(iter(files))}')
        content.classes = names
        folder = images or _image_folder(source, split, path, data['images'])
        paths = [str(folder / image['file_name']) for image in data['images']]
        check_inside(paths, [folder_of(source), folder], path)
        content.splits[split] = _pictures(path, data, folder, content.lost)
    return content


def _image_folder(source: Path, split: str, path: Path, images: list[dict]) -> Path:
    if not images:
        return path.parent
    roots = [source] if source.is_dir() else [path.parent, path.parent.parent]
    tried = [path.parent]
    for root in roots:
        tried += [root / split, root / 'images' / split, root, root / 'images']
        tried += sorted(item for item in root.glob('*') if item.is_dir())
        tried += sorted(item for item in root.glob('images/*') if item.is_dir())
    for folder in tried:
        if (folder / images[0]['file_name']).is_file():
            return folder
    raise UserError(
        f'{path}: its first image, {images[0]["file_name"]}, is not in {path.parent} or a folder '
        'beside it: give --images FOLDER'
    )


def _pictures(path: Path, data: dict, folder: Path, lost: Counter[str]) -> list[Picture]:
    names = {item['id']: str(item['name']) for item in data['categories']}
    pictures = {}
    for image in progress(sorted(data['images'], key=lambda item: item['id']), 'reading sizes'):
        place = folder / image['file_name']
        size = true_size(place, (image['width'], image['height']), path)
        pictures[image['id']] = Picture(place, safe_name(image['file_name']), size)
    for item in data['annotations']:
        where = f'{path}: annotation {item["id"]}'
        if item['image_id'] not in pictures:
            raise UserError(f'{where}: there is no image {item["image_id"]}: correct or remove it')
        if item['category_id'] not in names:
            raise UserError(f'{where}: there is no category {item["category_id"]}: correct it')
        picture = pictures[item['image_id']]
        picture.things.append(_thing(where, item, names[item['category_id']], picture, lost))
        for key in item.keys() - KNOWN:
            lost[f'annotations with {key!r}'] += 1
    for key, count in (('images', len(pictures)), ('annotations', len(data['annotations']))):
        lost[f'ids of {key}'] += count
    lost['ids of categories'] = len(names)
    return list(pictures.values())


def _thing(where: str, item: dict, name: str, picture: Picture, lost: Counter[str]) -> Thing:
    box: Any = item.get('bbox')
    if not valid_box(box):
        raise UserError(f'{where}: bbox {box} is not four finite numbers: correct it')
    x, y, w, h = map(float, box)
    outlines: list[list[float]] = []
    shape = item.get('segmentation')
    crowd = bool(item.get('iscrowd'))
    if isinstance(shape, dict) and not crowd:
        width, height = picture.size
        try:
            outlines, holes = rle_outlines(shape, height, width)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise UserError(f'{where}: segmentation is no mask: {error}: correct it') from None
        lost['RLE masks, now outlines'] += 1
        lost['holes of masks, now filled'] += holes
    elif isinstance(shape, list):
        outlines = [_outline(where, polygon) for polygon in shape]
    return Thing(name, (x, y, x + w, y + h), outlines, crowd)


def _outline(where: str, polygon: Any) -> list[float]:
    numbers = polygon if isinstance(polygon, list) else []
    fine = all(isinstance(v, (int, float)) and math.isfinite(v) for v in numbers)
    if len(numbers) < 6 or len(numbers) % 2 or not fine:
        raise UserError(
            f'{where}: a polygon of its segmentation is not x and y of 3 or more points, finite '
            'numbers: correct or remove it'
        )
    return [float(v) for v in numbers]


def write_content(content: Content, folder: Path, place: Place) -> None:
    """Write ``annotations/instances_SPLIT.json`` and the images into ``SPLIT/``.

    Ids count from 1, categories in the order of the classes.
    """
    ids = {name: k for k, name in enumerate(content.classes, 1)}
    categories = [dict(id=k, name=name, supercategory='') for name, k in ids.items()]
    (folder / 'annotations').mkdir()
    for split, pictures in content.splits.items():
        images: list[dict] = []
        annotations: list[dict] = []
        for image_id, picture in enumerate(progress(pictures, f'writing {split}', 'image'), 1):
            place(picture.path, folder / split / picture.name)
            width, height = picture.size
            images.append(dict(id=image_id, file_name=picture.name, width=width, height=height))
            for thing in picture.things:
                if thing.difficult:
                    content.lost["objects marked 'difficult', now ordinary ones"] += 1
                number = len(annotations) + 1
                annotations.append(_annotation(number, image_id, ids[thing.name], thing))
        data = dict(images=images, annotations=annotations, categories=categories)
        path = folder / 'annotations' / f'instances_{split}.json'
        path.write_text(json.dumps(data), encoding='utf-8')


def _annotation(number: int, image_id: int, category_id: int, thing: Thing) -> dict[str, Any]:
    left, top, right, bottom = thing.box
    item: dict[str, Any] = dict(
        id=number,
        image_id=image_id,
        category_id=category_id,
        bbox=[round(v, 4) for v in (left, top, right - left, bottom - top)],
        area=(right - left) * (bottom - top),
        iscrowd=0,
    )
    if thing.outlines:
        item['segmentation'] = [[round(v, 4) for v in outline] for outline in thing.outlines]
        item['area'] = area(thing.outlines)
    return item
