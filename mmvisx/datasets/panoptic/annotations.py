"""Stuff maps for the semantic branch of HTC from COCO panoptic annotations."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmvisx.utils import UserError
from mmvisx.utils.inside import check_inside
from mmvisx.utils.progress import progress

IGNORE = 255
STUFF_CLASSES = 183

# The panoptic task merges several COCO-stuff classes into one with a number above COCO-stuff's.
# Each goes to the class that it is named after.
MERGED = {
    184: 169,  # tree
    185: 113,  # fence
    186: 102,  # ceiling-other
    187: 157,  # sky-other
    188: 98,  # cabinet
    189: 165,  # table
    190: 115,  # floor-other
    191: 140,  # pavement
    192: 135,  # mountain
    193: 124,  # grass
    194: 111,  # dirt
    195: 139,  # paper
    196: 121,  # food-other
    197: 96,  # building-other
    198: 150,  # rock
    199: 173,  # wall-other
    200: 152,  # rug
}


def coco_stuff_labels(categories: list[dict[str, Any]]) -> dict[int, int]:
    """Label of each category in COCO-stuff's maps: its id - 1, in 0..181; 255 is unlabelled.

    These are the pixel values of ``stuffthingmaps_trainval2017``, which HTC's semantic
    branch is trained on with 183 outputs.
    """
    labels = {}
    for category in categories:
        number = MERGED.get(category['id'], category['id'])
        if not 1 <= number < STUFF_CLASSES:
            raise UserError(
                f'category {category["id"]} ({category.get("name")}) is not one of COCO: its id '
                f'must be in 1..{STUFF_CLASSES - 1} or 184..200; use --contiguous'
            )
        labels[category['id']] = number - 1
    return labels


def contiguous_labels(categories: list[dict[str, Any]]) -> dict[int, int]:
    """Labels from 0 on: the things in the order of the file, then the stuff."""
    ordered = sorted(categories, key=lambda category: not category.get('isthing', 1))
    if len(ordered) > IGNORE:
        raise UserError(f'{len(ordered)} categories do not fit into 8-bit maps: at most {IGNORE}')
    return {category['id']: k for k, category in enumerate(ordered)}


def label_map(
    panoptic: np.ndarray, segments: list[dict[str, Any]], labels: Mapping[int, int]
) -> np.ndarray:
    """Turn a panoptic PNG into labels ``(H, W)`` uint8; what no segment covers is 255.

    Args:
        panoptic: ``(H, W, 3)`` RGB; the segment's id is R + 256 G + 256^2 B.
    """
    red, green, blue = (panoptic[..., k].astype(np.int32) for k in range(3))
    ids = red + 256 * green + 65536 * blue
    by_id = {segment['id']: labels[segment['category_id']] for segment in segments}
    known = np.array(sorted(by_id) or [-1])
    values = np.array([by_id.get(number, IGNORE) for number in known.tolist()], np.uint8)
    place = np.searchsorted(known, ids).clip(max=len(known) - 1)
    return np.where(known[place] == ids, values[place], np.uint8(IGNORE))


def read_panoptic_json(path: str | os.PathLike) -> dict[str, Any]:
    """Parse a COCO panoptic file.

    Raises:
        UserError: It is missing, no JSON, or not in the panoptic format.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise UserError(f'panoptic annotation file {path} does not exist') from None
    except (OSError, ValueError) as error:
        raise UserError(f'panoptic annotation file {path} cannot be read: {error}') from None
    ok = isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ('annotations', 'categories')
    )
    if not ok or not all('segments_info' in item for item in content['annotations']):
        raise UserError(
            f'{path} is no panoptic annotation file: it needs the lists "categories" and '
            '"annotations", the latter with "segments_info" in each item'
        )
    return content


def panoptic_to_stuff(
    annotation_file: str | os.PathLike,
    panoptic_folder: str | os.PathLike,
    out: str | os.PathLike,
    contiguous: bool = False,
) -> dict[str, int]:
    """Write a label PNG per image into ``out``; returns the label of each category name.

    Raises:
        UserError: A file is missing or broken, or holds a category that has no label.
    """
    content = read_panoptic_json(annotation_file)
    categories = content['categories']
    labels = contiguous_labels(categories) if contiguous else coco_stuff_labels(categories)
    stems = {image['id']: Path(image['file_name']).stem for image in content.get('images', [])}
    names = (str(Path(panoptic_folder) / item['file_name']) for item in content['annotations'])
    check_inside(names, [os.fspath(panoptic_folder)], os.fspath(annotation_file))
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for annotation in progress(content['annotations'], 'converting', 'image'):
        source = Path(panoptic_folder) / annotation['file_name']
        unknown = {s['category_id'] for s in annotation['segments_info']} - labels.keys()
        if unknown:
            raise UserError(
                f'{annotation_file}: {source.name} has segments of the categories '
                f'{sorted(unknown)}, which "categories" does not define'
            )
        try:
            with Image.open(source) as image:
                panoptic = np.asarray(image.convert('RGB'))
        except FileNotFoundError:
            raise UserError(f'panoptic map {source} does not exist: check --panoptic') from None
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise UserError(f'panoptic map {source} cannot be read: {error}') from None
        # The stuff map is looked up by the name of the image, not of the panoptic PNG.
        stem = stems.get(annotation['image_id'], source.stem)
        target = label_map(panoptic, annotation['segments_info'], labels)
        Image.fromarray(target).save(out / f'{stem}.png')
    return {category['name']: labels[category['id']] for category in categories}
