"""Read a LabelMe file: JSON, one for each image."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

from .errors import UserError

__all__ = ['LabelMeFile', 'LabelMeObject', 'read_labelme']

WITHOUT_AREA = ('line', 'linestrip', 'point', 'points')
# No image is as large, and pycocotools crashes on an outline that is much larger. NaN is not below.
LARGEST = 100_000
# How many points a shape needs.
POINTS = {'polygon': 3, 'rectangle': 2, 'circle': 2}


class LabelMeObject(NamedTuple):
    """A shape, or all shapes of the same label and ``group_id``.

    Attributes:
        label: Its class.
        box: Left, top, right, bottom in pixels.
        polygons: Each x1, y1, x2, y2, ... in pixels; none of a rectangle, which is a box only.
        extras: What no other format holds: its flags that are set, ``'description'``, ``'circle'``.
    """

    label: str
    box: tuple[float, float, float, float]
    polygons: list[list[float]]
    extras: tuple[str, ...] = ()


class LabelMeFile(NamedTuple):
    """What a LabelMe file says.

    Attributes:
        image: Path of the image.
        size: Width and height in pixels; None where the file does not say.
        objects: In the order of their first shapes.
        others: Types of the shapes that are no object, as ``'line'``, one for each.
    """

    image: Path
    size: tuple[int, int] | None
    objects: list[LabelMeObject]
    others: list[str]


def read_labelme(path: str | os.PathLike) -> LabelMeFile:
    """Read a LabelMe file; the pixels in it, ``imageData``, are not looked at.

    Rectangles, polygons and circles are objects. Shapes with the same label and the same
    ``group_id`` are parts of one object.

    Raises:
        UserError: It is missing, no JSON, names no image, or a shape is broken.
    """
    path = Path(path)
    content = _load(path)
    image = content.get('imagePath')
    if not isinstance(image, str) or not image:
        raise UserError(
            f"{path}: no imagePath: add the path of the image, from the file's folder, or take the "
            'file away if it is not of LabelMe'
        )
    shapes = content.get('shapes')
    if not isinstance(shapes, list):
        raise UserError(f'{path}: no list of shapes: add "shapes": [] if there is no object')
    groups: dict[Any, list[LabelMeObject]] = {}
    others = []
    for k, shape in enumerate(shapes):
        where = f'{path}: shapes[{k}]'
        if not isinstance(shape, dict):
            raise UserError(f'{where} is no object with label and points: correct or remove it')
        kind = shape.get('shape_type') or 'polygon'
        if kind in WITHOUT_AREA or kind == 'mask':
            others.append(kind)
            continue
        group = shape.get('group_id')
        found = _object(where, kind, shape)
        groups.setdefault(k if group is None else (found.label, str(group)), []).append(found)
    # Windows writes ..\images\a.jpg
    place = path.parent / image.replace('\\', '/')
    return LabelMeFile(place, _size(content), [_merged(parts) for parts in groups.values()], others)


def _load(path: Path) -> dict[str, Any]:
    try:
        with open(path, encoding='utf-8-sig') as file:
            content = json.load(file)
    except FileNotFoundError:
        raise UserError(
            f'LabelMe file {path} does not exist: check data_root and the list'
        ) from None
    except json.JSONDecodeError as error:
        raise UserError(
            f'LabelMe file {path} is no valid JSON: {error.msg} at line {error.lineno}, column '
            f'{error.colno}: restore the file'
        ) from None
    except (OSError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UserError(f'LabelMe file {path} cannot be read: {error}: restore the file') from None
    if not isinstance(content, dict):
        raise UserError(f'{path} is no LabelMe file: it should be an object with imagePath, shapes')
    return content


def _size(content: dict[str, Any]) -> tuple[int, int] | None:
    size = (content.get('imageWidth'), content.get('imageHeight'))
    if all(isinstance(value, int) and value > 0 for value in size):
        return size  # type: ignore[return-value]
    return None


def _object(where: str, kind: str, shape: dict[str, Any]) -> LabelMeObject:
    label = shape.get('label')
    if not isinstance(label, str) or not label:
        raise UserError(f'{where} has no label: add the name of its class')
    if kind not in POINTS:
        known = ', '.join([*POINTS, *WITHOUT_AREA])
        raise UserError(f'{where}: shape_type {kind!r} is not known, should be of {known}')
    points = shape.get('points')
    if not isinstance(points, list) or not all(map(_is_point, points)):
        raise UserError(f'{where}: points should be a list of [x, y], finite numbers: correct it')
    if len(points) < POINTS[kind]:
        raise UserError(
            f'{where}: a {kind} of {len(points)} points, should be {POINTS[kind]} or more: draw it '
            'anew or remove it'
        )
    if kind == 'circle':
        points = _circle(*points[:2])
    xs, ys = [float(x) for x, _ in points], [float(y) for _, y in points]
    outline = [value for point in zip(xs, ys, strict=True) for value in point]
    return LabelMeObject(
        label,
        (min(xs), min(ys), max(xs), max(ys)),
        [] if kind == 'rectangle' else [outline],
        _extras(kind, shape),
    )


def _extras(kind: str, shape: dict[str, Any]) -> tuple[str, ...]:
    flags = shape.get('flags')
    items = flags.items() if isinstance(flags, dict) else ()
    found = [f'flag {key}' for key, value in items if value]
    found += ['description'] if shape.get('description') else []
    return tuple([*found, kind] if kind == 'circle' else found)


def _is_point(point: Any) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(v, (int, float)) and abs(v) < LARGEST for v in point)
    )


def _circle(centre: list[float], edge: list[float]) -> list[tuple[float, float]]:
    """Points of a circle, a multiple of four so that its box is exact, a pixel off at most."""
    radius = math.dist(centre, edge)
    count = 12
    if radius > 1:
        count = max(count, 4 * math.ceil(math.pi / math.acos(1 - 1 / radius) / 4))
    angles = [2 * math.pi * k / count for k in range(count)]
    return [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles]


def _merged(parts: list[LabelMeObject]) -> LabelMeObject:
    """One object of its parts; one part without outline, and the whole has none."""
    left, top, right, bottom = zip(*(part.box for part in parts), strict=True)
    outlined = all(part.polygons for part in parts)
    return LabelMeObject(
        parts[0].label,
        (min(left), min(top), max(right), max(bottom)),
        [polygon for part in parts for polygon in part.polygons] if outlined else [],
        tuple(dict.fromkeys(extra for part in parts for extra in part.extras)),
    )
