"""Read the files of a YOLO data set: ``data.yaml``, and a text file of labels for each image.

Ultralytics' format. A label line is ``class x y w h``, the centre and size of a box, or ``class x1
y1 x2 y2 x3 y3 ...``, a polygon of three points or more; all relative to the width and height of the
image. Five numbers are a box, an odd number from seven on a polygon, anything else is a fault.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .errors import UserError
from .text import similar

__all__ = [
    'YoloData',
    'YoloObject',
    'data_yamls',
    'label_path',
    'parse_line',
    'read_labels',
    'read_yolo',
]

SPLITS = ('train', 'val', 'test')
# Converters write six decimal places, and let the edge of a polygon touch that of the image.
TOLERANCE = 1e-3
SPLIT_KEY = re.compile(rb'\b(train|val|test)["\']?\s*:')


class YoloData(NamedTuple):
    """What a ``data.yaml`` says.

    Attributes:
        root: Folder that its paths are relative to.
        names: Of the classes, in the order of their numbers.
        splits: Folders or lists of images of ``'train'``, ``'val'`` and ``'test'``, those it has.
    """

    root: Path
    names: tuple[str, ...]
    splits: dict[str, list[Path]]


@dataclass(frozen=True)
class YoloObject:
    """An object of a label file, with coordinates relative to the image.

    Attributes:
        index: Number of the class.
        box: Left, top, right, bottom.
        polygon: x1, y1, x2, y2, ..., or none for a box.
    """

    index: int
    box: tuple[float, float, float, float]
    polygon: tuple[float, ...]


def data_yamls(paths: Iterable[Path]) -> list[Path]:
    """Return those of some YAML files with the names of classes; with images, too, if some have."""
    named = {path: text for path in paths if b'names' in (text := path.read_bytes())}
    return [path for path, text in named.items() if SPLIT_KEY.search(text)] or [*named]


def read_yolo(path: str | os.PathLike) -> YoloData:
    """Read a ``data.yaml``; no tag in it is executed.

    Raises:
        UserError: It is missing, no YAML, lacks ``names`` or ``train``, or names what is not there.
    """
    path = Path(path)
    content = _load(path)
    if 'kpt_shape' in content:
        raise UserError(
            f'{path}: kpt_shape: labels with keypoints are not read, boxes and polygons'
        )
    names = _names(path, content)
    root = _root(path, content)
    splits = {}
    for split in SPLITS:
        value = content.get(split)
        if value is None:
            continue
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(item, str) for item in values):
            raise UserError(
                f'{path}: {split} should be a folder or a list of images, or several of them'
            )
        splits[split] = [_find(path, split, root, item) for item in values]
    if not splits:
        near = similar('train', [str(key) for key in content])
        raise UserError(
            f'{path} has none of the keys {", ".join(SPLITS)}{near}: add "train: images"'
        )
    return YoloData(root, names, splits)


def _load(path: Path) -> dict[Any, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8-sig'))
    except FileNotFoundError:
        raise UserError(f'{path} does not exist: check ann_file and data_root') from None
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        where = f', line {mark.line + 1}' if mark else ''
        problem = getattr(error, 'problem', None) or str(error).partition('\n')[0]
        hint = 'remove the tag, none is executed' if 'constructor' in problem else 'correct it'
        raise UserError(f'{path}{where} is no valid YAML: {problem}: {hint}') from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f'{path} cannot be read as YAML: {error}: restore the file') from None
    if not isinstance(content, dict):
        raise UserError(f'{path} should hold keys and values: path, train, val and names')
    return content


def _names(path: Path, content: dict[Any, Any]) -> tuple[str, ...]:
    names = content.get('names')
    if names is None:
        near = similar('names', [str(key) for key in content])
        raise UserError(f'{path} has no names{near}: add the classes, as "names: [cat, dog]"')
    if isinstance(names, dict):
        if sorted(map(str, names)) != sorted(map(str, range(len(names)))):
            raise UserError(
                f'{path}: the keys of names should be the numbers 0 to {len(names) - 1}'
            )
        names = [value for _, value in sorted(names.items(), key=lambda item: int(item[0]))]
    if not isinstance(names, list) or not names:
        raise UserError(f'{path}: names should be a list of the classes, as "names: [cat, dog]"')
    for k, name in enumerate(names):
        if isinstance(name, bool) or not isinstance(name, (str, int)) or name == '':
            raise UserError(
                f'{path}: name {k} is a {type(name).__name__}, not a text: put it into quotes'
            )
    texts = tuple(map(str, names))
    for k, name in enumerate(texts):
        if name in texts[:k]:
            raise UserError(
                f'{path}: {name!r} stands twice in names: classes differ in their names'
            )
    if content.get('nc', len(texts)) != len(texts):
        raise UserError(f'{path}: nc differs from the number of names, {len(texts)}: correct one')
    return texts


def _root(path: Path, content: dict[Any, Any]) -> Path:
    """Return the folder ``path``: absolute, beside the file, or where the command runs."""
    value = content.get('path')
    if value is None or value == '':
        return path.parent
    if not isinstance(value, str):
        raise UserError(f'{path}: path should be a folder, not a {type(value).__name__}')
    tried = [path.parent / value, Path(value)]
    for folder in tried:
        if folder.is_dir():
            return folder
    # A data set that was moved, its data.yaml at its top as ever.
    first = content.get('train', content.get('val'))
    if isinstance(first, str) and (path.parent / first).exists():
        return path.parent
    listed = ' nor '.join(dict.fromkeys(map(str, tried)))
    raise UserError(
        f'{path}: path: {value}: there is no folder {listed}: correct it, or remove it if the data '
        'lie beside the file'
    )


def _find(path: Path, split: str, root: Path, value: str) -> Path:
    # Roboflow writes ../train/images into a file that stands beside train.
    tried = [root / value]
    if value.startswith('../'):
        tried.append(root / value.removeprefix('../'))
    for place in tried:
        if place.exists():
            return place
    raise UserError(
        f'{path}: {split}: {value}: {tried[0]} does not exist: correct it, or path, which it is '
        'relative to'
    )


def label_path(image: Path) -> Path:
    """Path of an image's labels: the last folder ``images`` of its path is ``labels`` instead."""
    parts = list(image.parts)
    for k in range(len(parts) - 2, -1, -1):
        if parts[k] == 'images':
            parts[k] = 'labels'
            break
    return Path(*parts).with_suffix('.txt')


def read_labels(path: Path, names: Sequence[str]) -> list[YoloObject] | None:
    """Objects of a label file; None where there is no file: an image without objects.

    Raises:
        UserError: It is no text, or a line is no label; the message names the line.
    """
    lines = read_lines(path)
    if lines is None:
        return None
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(parse_line(line, names))
            except ValueError as error:
                raise UserError(f'{path}, line {number}: {error}') from None
    return found


def read_lines(path: Path) -> list[str] | None:
    """Lines of a label file, None where there is none.

    Raises:
        UserError: It is no text.
    """
    try:
        return path.read_text(encoding='utf-8-sig').splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'label file {path} cannot be read: {error}: restore it') from None


def parse_line(line: str, names: Sequence[str]) -> YoloObject:
    """Read a label line.

    Raises:
        ValueError: It is none; the message says what is wrong and what to do.
    """
    words = line.split()
    if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
        hint = ', and take a confidence at the end away' if len(words) == 6 else ''
        raise ValueError(
            f'{len(words)} numbers, should be 5 (class x y w h) or a class and 3 or more points '
            f'(7, 9, 11, ...): correct the line{hint}'
        )
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f'{error}: labels are numbers, the class, too: correct it') from None
    index = _class_index(words[0], numbers[0], names)
    low, high = (0.0 - TOLERANCE), (1.0 + TOLERANCE)
    for word, number in zip(words[1:], numbers[1:], strict=True):
        if not low <= number <= high:  # NaN, too
            raise ValueError(
                f'{word} is not from 0 to 1: coordinates are relative to the width and height of '
                'the image, divide pixels by them'
            )
    if len(numbers) == 5:
        x, y, w, h = numbers[1:]
        return YoloObject(index, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), ())
    xs, ys = numbers[1::2], numbers[2::2]
    return YoloObject(index, (min(xs), min(ys), max(xs), max(ys)), tuple(numbers[1:]))


def _class_index(word: str, number: float, names: Sequence[str]) -> int:
    if not math.isfinite(number) or number != int(number):
        raise ValueError(f'class {word} is no whole number: correct it')
    if not 0 <= number < len(names):
        raise ValueError(
            f'class {word} is not from 0 to {len(names) - 1}: there are {len(names)} names; add '
            'the name or correct the class'
        )
    return int(number)
