"""What is wrong with the entries of a COCO annotation file that can be read.

Training, testing and ``tools/datasets/check_dataset.py`` look with the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmvisx.utils import UserError
from mmvisx.utils.coco_file import read_coco

from .coco_json import duplicates, valid_box
from .coco_masks import RLE, counts_fault, polygons_fault, run_length_faults

__all__ = ['Fault', 'find_faults', 'hand_over', 'read_checked_coco', 'take_over']

_AT_ONCE = 256  # texts of run lengths: their arrays stay in the processor's cache
_handed: dict[tuple[str, int, int], dict[str, Any]] = {}


class Fault(NamedTuple):
    """An entry that cannot be used.

    Attributes:
        check: What is wrong, in the words of the report.
        where: The entry, by its id.
        text: What is wrong with it, and what to do.
    """

    check: str
    where: str
    text: str


def read_checked_coco(path: str | Path) -> dict[str, Any]:
    """Parse a COCO instances file and look at every entry; sets ``area`` and ``iscrowd``.

    What a file may leave out is set as training reads it: the area of the box, and no crowd.

    Raises:
        UserError: See :func:`~mmvisx.utils.coco_file.read_coco`; an entry has a fault.
    """
    content = read_coco(path)
    faults = find_faults(content)
    first = next(faults, None)
    if first is not None:
        more = sum(1 for _ in faults)
        others = f' ({more} faults more' if more else ' (no other fault'
        raise UserError(
            f'annotation file {path}: {first.where}: {first.text}{others}; '
            'tools/datasets/check_dataset.py lists all)'
        )
    for annotation in content['annotations']:
        annotation.setdefault('iscrowd', 0)
        if 'area' not in annotation:
            annotation['area'] = annotation['bbox'][2] * annotation['bbox'][3]
    return content


def hand_over(path: str | Path, content: dict[str, Any]) -> None:
    """Keep a file that was parsed and checked for the metric of the same run.

    Of one file, the last: it is in memory anyhow, and the metric holds it as long as it lives.
    """
    _handed.clear()
    _handed[_key(path)] = content


def take_over(path: str | Path) -> dict[str, Any]:
    """Return what was handed over, or else read the file."""
    path = Path(path)
    content = _handed.pop(_key(path), None) if path.is_file() else None
    return read_checked_coco(path) if content is None else content


def _key(path: str | Path) -> tuple[str, int, int]:
    path = Path(path).resolve()
    status = path.stat()
    return str(path), status.st_mtime_ns, status.st_size


def find_faults(content: dict[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the entries of a file, as :func:`read_coco` returns it."""
    for key in ('images', 'annotations', 'categories'):
        for value in duplicates([item['id'] for item in content[key]]):
            text = f'the id occurs more than once in {key!r}: number them anew'
            yield Fault('duplicate id', f'{key}: {value}', text)
    ids: dict[str, list[int]] = {}
    for category in content['categories']:
        ids.setdefault(category['name'], []).append(category['id'])
    for name, same in ids.items():
        if len(same) > 1:
            places = ' and '.join(map(str, same))
            text = 'has the name of another: merge them, or rename one'
            yield Fault('duplicate category name', f'category {name!r} (ids {places})', text)
    yield from _annotation_faults(content)


def _annotation_faults(content: dict[str, Any]) -> Iterator[Fault]:
    images = {image['id']: image for image in content['images']}
    waiting: list[tuple[dict, dict]] = []
    for annotation in content['annotations']:
        fault = _value_fault(annotation)
        image = images.get(annotation['image_id'])
        masks = annotation.get('segmentation')
        if fault is None and masks and image is not None:
            width, height = image['width'], image['height']
            if type(masks) is list:
                fault = polygons_fault(masks, width, height)
            else:
                fault = _rle_fault(masks, width, height)
                if fault is None and type(masks['counts']) is str:
                    waiting.append((annotation, image))
                    if len(waiting) == _AT_ONCE:
                        yield from _compressed_faults(waiting)
                        waiting.clear()
        if fault is not None:
            yield Fault(fault[0], _where(annotation, image), fault[1])
    yield from _compressed_faults(waiting)


def _value_fault(annotation: dict[str, Any]) -> tuple[str, str] | None:
    if not valid_box(annotation.get('bbox')):
        return 'box not valid', (
            f'its bbox is {annotation.get("bbox")!r:.60}: it should be four finite numbers, [x, y, '
            'width, height] in pixels'
        )
    if annotation.get('iscrowd', 0) not in (0, 1):
        return 'value not valid', f'its iscrowd is {annotation["iscrowd"]!r}: it should be 0 or 1'
    area = annotation.get('area', 0)
    if type(area) not in (int, float) or not abs(area) < 1e18:
        return 'value not valid', f'its area is {area!r}: it should be a number of pixels'
    return None


def _rle_fault(masks: Any, width: int, height: int) -> tuple[str, str] | None:
    """Look at all of an RLE but a compressed text."""
    if type(masks) is not dict:
        return RLE, f'its segmentation is {masks!r:.60}: it should be polygons or an RLE'
    counts, size = masks.get('counts'), masks.get('size')
    if type(counts) not in (list, str):
        return RLE, "its RLE has no 'counts', a list or a text: encode the mask anew"
    if size != [height, width]:
        return RLE, (
            f'its RLE has the size {size!r:.60}, the image [{height}, {width}] (height, width): '
            'correct the sizes, or encode the mask anew'
        )
    text = counts_fault(counts, height * width) if type(counts) is list else None
    return None if text is None else (RLE, f'{text}: encode the mask anew')


def _compressed_faults(waiting: list[tuple[dict, dict]]) -> Iterator[Fault]:
    if not waiting:
        return
    texts = [annotation['segmentation']['counts'] for annotation, _ in waiting]
    pixels = [image['width'] * image['height'] for _, image in waiting]
    for (annotation, image), text in zip(waiting, run_length_faults(texts, pixels), strict=True):
        if text is not None:
            yield Fault(RLE, _where(annotation, image), f'{text}: encode the mask anew')


def _where(annotation: dict[str, Any], image: dict[str, Any] | None) -> str:
    place = f' in {image["file_name"]}' if image is not None else ''
    return f'annotation {annotation["id"]}{place}'
