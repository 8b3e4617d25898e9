"""Read a COCO annotation file, or say why it cannot be read."""

from __future__ import annotations

import json
import os
from typing import Any

from .errors import UserError

__all__ = ['read_coco']

# What a reader cannot do without, for each list of the file.
_NEEDED = {
    'images': ('id', 'file_name', 'height', 'width'),
    'annotations': ('id', 'image_id', 'category_id'),
    'categories': ('id', 'name'),
}


def read_coco(path: str | os.PathLike) -> dict[str, Any]:
    """Parse a COCO instances file.

    Raises:
        UserError: It is missing, no JSON, or lacks a list or key that every reader needs.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except FileNotFoundError:
        raise UserError(
            f'annotation file {path} does not exist: check ann_file and data_root of the data set'
        ) from None
    except json.JSONDecodeError as error:
        raise UserError(
            f'annotation file {path} is no valid JSON: {error.msg} at line {error.lineno}, '
            f'column {error.colno}: restore or regenerate the file'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'annotation file {path} cannot be read: {error}') from None
    for key, needed in _NEEDED.items():
        items = content.get(key) if isinstance(content, dict) else None
        if not isinstance(items, list):
            raise UserError(
                f'annotation file {path} has no list {key!r}: a COCO instances file is an object '
                "with the lists 'images', 'annotations' and 'categories'"
            )
        for k, item in enumerate(items):
            missing = [n for n in needed if n not in item] if isinstance(item, dict) else needed
            if missing:
                raise UserError(f'annotation file {path}: {key}[{k}] lacks {", ".join(missing)}')
    return content
