"""COCO's panoptic format: a JSON file and one PNG per image, whose colours number the segments."""

from __future__ import annotations

import colorsys
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmvisx.utils import UserError

VOID = 0
"""Id of the pixels that belong to no segment."""

_IDS = 256**3


def rgb_to_id(pixels: np.ndarray) -> np.ndarray:
    """Ids ``(H, W)`` int32, in [0, 2^24), of an RGB image ``(H, W, 3)``: R + 256 G + 256^2 B."""
    red, green, blue = (pixels[..., k].astype(np.int32) for k in range(3))
    return red + (green << 8) + (blue << 16)


def id_to_rgb(ids: np.ndarray) -> np.ndarray:
    """Inverse of :func:`rgb_to_id`: ``(...)`` integers to ``(..., 3)`` uint8."""
    return np.stack([ids & 255, (ids >> 8) & 255, ids >> 16], axis=-1).astype(np.uint8)


def read_ids(path: str | os.PathLike, hint: str) -> np.ndarray:
    """Ids ``(H, W)`` int32 of a panoptic PNG.

    Args:
        hint: What to do when it is missing.

    Raises:
        UserError: It is missing or broken.
    """
    return rgb_to_id(read_png(path, 'panoptic map', hint, 'RGB'))


def read_png(path: str | os.PathLike, kind: str, hint: str, mode: str | None = None) -> np.ndarray:
    """Pixels of an image file, in Pillow's ``mode`` if there is one.

    Raises:
        UserError: It is missing or broken.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image if mode is None else image.convert(mode))
    except FileNotFoundError:
        raise UserError(f'{kind} {path} does not exist: {hint}') from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UserError(f'{kind} {path} cannot be read: {error}; write it again') from None


def read_json(path: str | os.PathLike, kind: str) -> Any:
    """Parse a JSON file.

    Raises:
        UserError: It is missing or no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise UserError(f'{kind} {path} does not exist') from None
    except (OSError, ValueError) as error:
        raise UserError(f'{kind} {path} cannot be read: {error}') from None


def annotations_by_image(content: Any, path: str | os.PathLike) -> dict[Any, dict[str, Any]]:
    """Annotation of each image id in a parsed panoptic file.

    Raises:
        UserError: It is not in the panoptic format, or has an image twice.
    """
    annotations = content.get('annotations') if isinstance(content, dict) else None
    if not isinstance(annotations, list):
        raise UserError(f'{path} is no panoptic file: it has no list "annotations"')
    found: dict[Any, dict[str, Any]] = {}
    for k, item in enumerate(annotations):
        for key in ('image_id', 'file_name', 'segments_info'):
            if key not in item:
                raise UserError(f'{path} is no panoptic file: annotations[{k}] lacks "{key}"')
        if any('id' not in s or 'category_id' not in s for s in item['segments_info']):
            raise UserError(
                f'{path}: a segment of image {item["image_id"]} lacks "id" or "category_id"'
            )
        if item['image_id'] in found:
            raise UserError(f'{path}: image {item["image_id"]} has two annotations; remove one')
        found[item['image_id']] = item
    return found


def check_categories(categories: Any, path: str | os.PathLike) -> list[dict[str, Any]]:
    """Return the categories of a panoptic data set.

    Raises:
        UserError: One does not say whether it is a thing, or there are none.
    """
    if not isinstance(categories, list) or not categories:
        raise UserError(f'{path}: the categories must be a list with "id", "name" and "isthing"')
    for category in categories:
        absent = [key for key in ('id', 'name', 'isthing') if key not in category]
        if absent:
            raise UserError(
                f'{path}: category {category.get("id")} lacks "{absent[0]}", so these are not the '
                'categories of a panoptic data set'
            )
    return categories


class SegmentColors:
    """Colours for the segments of one image: distinct, and the same in every run.

    The first segment of a category has the category's own ``color`` (a hue made from its id
    if it has none), the others have shades of it.

    Args:
        categories: Items with ``id`` and, if they like, ``color``: RGB in 0..255.
    """

    spread = 30

    def __init__(self, categories: Sequence[dict[str, Any]]) -> None:
        self._base = {c['id']: c.get('color') or _hue(c['id']) for c in categories}

    def __call__(self, category_ids: Sequence[int]) -> list[int]:
        """Ids in 1..2^24 - 1, one for each segment of an image, whose categories are given."""
        used = {VOID}
        count: dict[int, int] = {}
        ids = []
        for category in category_ids:
            k = count.get(category, 0)
            count[category] = k + 1
            number = self._shade(category, k)
            while number in used:
                number = (number + 1) % _IDS
            used.add(number)
            ids.append(number)
        return ids

    def _shade(self, category: int, k: int) -> int:
        # The multiples of these numbers, modulo 1, fill the unit cube evenly.
        place = np.mod(k * np.array([0.8192, 0.6710, 0.5497]) + 0.5, 1) - 0.5
        color = np.array(self._base[category]) + np.rint(2 * self.spread * place).astype(int)
        return int(rgb_to_id(color.clip(0, 255)[None])[0])


def _hue(number: int) -> list[int]:
    return [round(255 * v) for v in colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.7, 0.9)]
