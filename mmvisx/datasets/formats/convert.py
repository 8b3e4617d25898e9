"""From one format to another: recognise, read, write beside, put in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmvisx.utils import UserError
from mmvisx.utils.text import similar

from . import coco, labelme, voc, yolo
from .records import FORMATS, Content

__all__ = ['convert', 'known_format', 'recognise', 'seen']

SEEN = 8  # names that a message lists


class Format(NamedTuple):
    """What a format can do.

    Attributes:
        there: Whether a path looks like it.
        read: Its content.
        write: A content into an empty folder.
    """

    there: Callable[[Path], bool]
    read: Callable[..., Content]
    write: Callable[..., None]


TABLE = {
    'coco': Format(lambda path: bool(coco.coco_files(path)), coco.read_content, coco.write_content),
    'voc': Format(lambda path: bool(voc.voc_folders(path)), voc.read_content, voc.write_content),
    'yolo': Format(
        lambda path: bool(yolo.yolo_yaml(path) or yolo.yolo_folders(path)),
        yolo.read_content,
        yolo.write_content,
    ),
    'labelme': Format(
        lambda path: bool(labelme.labelme_splits(path)),
        labelme.read_content,
        labelme.write_content,
    ),
}


def known_format(name: str) -> str:
    """Return a format's name in small letters.

    Raises:
        UserError: There is no such format.
    """
    if name.lower() not in FORMATS:
        near = similar(name.lower(), FORMATS)
        raise UserError(f'format {name!r} is not known{near}: it is one of {", ".join(FORMATS)}')
    return name.lower()


def recognise(source: Path) -> str:
    """Name of the one format that a file or folder has.

    Raises:
        UserError: It does not exist, or has none or several; the message lists what was seen.
    """
    if not source.exists():
        raise UserError(f'{source} does not exist: give a data set, a file or a folder')
    found = [name for name in FORMATS if TABLE[name].there(source)]
    if not found:
        raise UserError(
            f'{source} is of no known format ({", ".join(FORMATS)}); it has {seen(source)}: '
            'give the folder of the data set, or what it is with --from'
        )
    if len(found) > 1:
        raise UserError(
            f'{source} looks like {" and ".join(found)}; it has {seen(source)}. Say which it is '
            'with --from'
        )
    return found[0]


def seen(source: Path) -> str:
    """Names of what is in a folder, the first ones."""
    if source.is_file():
        return f'the ending {source.suffix!r}'
    names = sorted(f'{p.name}/' if p.is_dir() else p.name for p in source.iterdir())
    more = f' and {len(names) - SEEN} more' if len(names) > SEEN else ''
    return f'{", ".join(names[:SEEN])}{more}' if names else 'nothing in it'


def convert(
    source: Path,
    target: Path,
    to: str,
    kind: str | None = None,
    images: Path | None = None,
    splits: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    link: bool = False,
) -> Content:
    """Write a data set in another format; the target appears when all is written, or not at all.

    Args:
        source: The data set, a folder or its file.
        target: A folder that is empty or not there.
        to: Format to write.
        kind: Format of the source, by default recognised.
        images: Folder of the images, where they are not at their place.
        splits: Those to convert, by default all.
        classes: Names of a YOLO data set without ``data.yaml``.
        link: Link the images instead of copying them.

    Raises:
        UserError: Source or target is not what it should be, or something of the source is faulty.
    """
    to = known_format(to)
    kind = recognise(source) if kind is None else known_format(kind)
    if not TABLE[kind].there(source):
        raise UserError(f'{source} does not look like {kind}; it has {seen(source)}')
    if kind == to:
        raise UserError(f'{source} is {kind} already: give another format with --to')
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f'{target} is not empty: nothing is overwritten, give another folder')
    more = dict(classes=classes) if kind == 'yolo' else {}
    content = TABLE[kind].read(source, images, splits, **more)
    missing = [name for name in splits if name not in content.splits]
    if missing or not any(content.splits.values()):
        there = ', '.join(content.splits) or 'none'
        raise UserError(f'{source} has no split or image {" ".join(missing)} (splits: {there})')
    _drop_empty(content)
    _write(content, target, to, link)
    return content


def _drop_empty(content: Content) -> None:
    """Leave out objects that have no area in their image."""
    pictures = {id(p): p for pictures in content.splits.values() for p in pictures}
    for picture in pictures.values():
        width, height = picture.size
        kept = []
        for thing in picture.things:
            left, top, right, bottom = thing.box
            if min(right, width) > max(left, 0) and min(bottom, height) > max(top, 0):
                kept.append(thing)
        content.lost['objects without an area in their image, left out'] += len(
            picture.things
        ) - len(kept)
        picture.things = kept


def _write(content: Content, target: Path, to: str, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, so that it can be renamed; with the rights of a folder that anyone makes.
    beside = Path(tempfile.mkdtemp(prefix=f'.{target.name}-', dir=target.parent))
    try:
        half = beside / 'half'
        half.mkdir()
        TABLE[to].write(content, half, _link if link else _copy)
        os.replace(half, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())
