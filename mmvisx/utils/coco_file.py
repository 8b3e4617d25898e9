"""Read a COCO annotation file, or say why it cannot be read."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from .errors import UserError

__all__ = ['read_coco']

_WORDS = {int: 'a whole number of 64 bits', str: 'a text'}
# What a reader cannot do without, for each list of the file, and its type.
_NEEDED: dict[str, dict[str, type]] = {
    'images': {'id': int, 'file_name': str, 'height': int, 'width': int},
    'annotations': {'id': int, 'image_id': int, 'category_id': int},
    'categories': {'id': int, 'name': str},
}
_MOST = 2**31  # pixels, which pycocotools counts in 32 bits


def read_coco(path: str | os.PathLike) -> dict[str, Any]:
    """Parse a COCO instances file.

    The byte order mark that some editors write is read over.

    Raises:
        UserError: It is missing, no JSON, or lacks a list or key that every reader needs; an id,
            name or size is of another type or out of range.
    """
    content = _parse(path)
    for key, needed in _NEEDED.items():
        items = content.get(key) if isinstance(content, dict) else None
        if not isinstance(items, list):
            raise UserError(
                f'annotation file {path} has no list {key!r}: a COCO instances file is an object '
                "with the lists 'images', 'annotations' and 'categories'"
            )
        for name, right in needed.items():
            _check_column(path, key, items, name, right)
    for k, image in enumerate(content['images']):
        width, height = image['width'], image['height']
        if width < 1 or height < 1 or width * height >= _MOST:
            raise UserError(
                f'annotation file {path}: images[{k}] (id {image["id"]}, {image["file_name"]}) has '
                f'the size {width}x{height}: correct its width and height, in pixels'
            )
    return content


def _parse(path: str | os.PathLike) -> Any:
    try:
        with open(path, encoding='utf-8-sig') as file, _without_collection():
            return json.load(file)
    except FileNotFoundError:
        raise UserError(
            f'annotation file {path} does not exist: check ann_file and data_root of the data set'
        ) from None
    except json.JSONDecodeError as error:
        raise UserError(
            f'annotation file {path} is no valid JSON: {error.msg} at line {error.lineno}, '
            f'column {error.colno}: restore or regenerate the file'
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f'annotation file {path} is no text in UTF-8 ({error.reason} at byte {error.start}): '
            'restore it, or convert it to UTF-8'
        ) from None
    except OSError as error:
        raise UserError(f'annotation file {path} cannot be read: {error}') from None
    except RecursionError:
        raise UserError(
            f'annotation file {path} is nested too deeply for a COCO instances file: restore or '
            'regenerate the file'
        ) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise UserError(
            f'annotation file {path} holds a number that is too large ({error}): correct it'
        ) from None


@contextmanager
def _without_collection() -> Iterator[None]:
    """Do not look for garbage: a parser makes none, and the search takes a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _check_column(
    path: str | os.PathLike, key: str, items: list[Any], name: str, right: type
) -> None:
    """Raise if an entry has no such value, or one of another type or out of range."""
    try:
        fine = set(map(type, map(itemgetter(name), items))) <= {right}
    except (KeyError, TypeError, IndexError):
        fine = False
    if fine and right is int and items:
        values: list[Any] = list(map(itemgetter(name), items))
        fine = min(values) > -(2**63) and max(values) < 2**63
    if fine:
        return
    for k, item in enumerate(items):
        missing: dict[str, type] = _NEEDED[key]
        if isinstance(item, dict):
            missing = {n: kind for n, kind in missing.items() if n not in item}
        if missing:
            raise UserError(
                f'annotation file {path}: {key}[{k}] lacks {", ".join(missing)}: add what is '
                'missing, or remove the entry'
            )
        value: Any = item[name]
        if type(value) is not right or (right is int and not -(2**63) < item[name] < 2**63):
            raise UserError(
                f'annotation file {path}: {name!r} of {key}[{k}] is {repr(value)[:60]}, which '
                f'should be {_WORDS[right]}: correct it, everywhere alike'
            )
