"""Part a COCO annotation file for classes that a detector shall be taught later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_json
from mmvisx.utils.text import similar

__all__ = ['boxes_by_class', 'hold_out', 'write_held_out']


def hold_out(content: dict[str, Any], *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part annotations by classes.

    Args:
        content: Of a COCO file.
        *names: Of the classes.

    Returns:
        The images that show none of the classes, with all their objects, and those that show one,
        with the objects of these classes only.

    Raises:
        UserError: No category is called so, or every or no image shows one of them.
    """
    ids = {item['name']: item['id'] for item in content['categories']}
    for name in names:
        if name not in ids:
            raise UserError(
                f'there is no class {name!r}{similar(name, list(ids))}; there are: {", ".join(ids)}'
            )
    held = {ids[name] for name in names}
    own = [item for item in content['annotations'] if item['category_id'] in held]
    shown = {item['image_id'] for item in own}
    images = [image for image in content['images'] if image['id'] in shown]
    others = [image for image in content['images'] if image['id'] not in shown]
    if not images or not others:
        quoted = ' or '.join(repr(name) for name in names)
        raise UserError(
            f'{len(images)} of {len(content["images"])} images show {quoted}: to hold it out, some '
            'images must show it and others not'
        )
    rest = [item for item in content['annotations'] if item['image_id'] not in shown]
    kinds = [item for item in content['categories'] if item['name'] not in names]
    only = [item for item in content['categories'] if item['name'] in names]
    return (
        dict(content, images=others, annotations=rest, categories=kinds),
        dict(content, images=images, annotations=own, categories=only),
    )


def write_held_out(file: str | Path, *names: str) -> tuple[Path, Path]:
    """Write both parts of :func:`hold_out` beside the file; returns their paths."""
    path = Path(file)
    try:
        parts = hold_out(_read(path), *names)
    except (KeyError, TypeError) as error:
        raise _refusal(path, error) from error
    tag = '_'.join(names)
    without = path.with_name(f'{path.stem}_without_{tag}{path.suffix}')
    only = path.with_name(f'{path.stem}_only_{tag}{path.suffix}')
    for target, part in zip((without, only), parts, strict=True):
        write_json(target, part, indent=None)
    return without, only


def boxes_by_class(
    file: str | Path, folder: str | Path
) -> dict[str, list[tuple[Path, tuple[float, ...]]]]:
    """Read the boxes of a COCO annotation file.

    Args:
        file: The annotations.
        folder: Of the images.

    Returns:
        By the name of the class: image file, and x1, y1, x2, y2 in its pixels; no crowds.

    Raises:
        UserError: The file cannot be read or has no box.
    """
    content = _read(file)
    try:
        images = {image['id']: Path(folder) / image['file_name'] for image in content['images']}
        names = {item['id']: item['name'] for item in content['categories']}
        found: dict[str, list[tuple[Path, tuple[float, ...]]]] = {}
        for item in content['annotations']:
            if not item.get('iscrowd'):
                x, y, w, h = item['bbox']
                box = (images[item['image_id']], (x, y, x + w, y + h))
                found.setdefault(names[item['category_id']], []).append(box)
    except (KeyError, TypeError, ValueError) as error:
        raise _refusal(file, error) from error
    if not found:
        raise UserError(f'{file} has no box: nothing can be learnt from it')
    return found


def _read(file: str | Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(Path(file).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise _refusal(file, error) from error
    return content


def _refusal(file: str | Path, error: Exception) -> UserError:
    return UserError(f'{file} is no COCO annotation file: {type(error).__name__}: {error}')
