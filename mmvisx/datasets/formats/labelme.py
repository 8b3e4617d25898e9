"""LabelMe: a JSON file for each image, beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmvisx.datasets.detection.image_list import check_stems, files_below
from mmvisx.datasets.detection.labelme import read_folder
from mmvisx.utils import UserError
from mmvisx.utils.inside import check_inside
from mmvisx.utils.progress import progress

from .outlines import fitted
from .records import Content, Picture, Place, Thing, true_size

__all__ = ['is_labelme', 'labelme_splits', 'read_content', 'write_content']

LABELS = 'labels.txt'  # LabelMe's own: a class a line
NO_CLASS = ('__ignore__', '_background_')
SPLITS = ('train', 'val', 'test')  # how the names of their folders begin
SNIFFED = 65_536  # bytes: the pixels come last


def is_labelme(path: Path) -> bool:
    """Whether a JSON file looks like LabelMe's, without reading all of it."""
    with path.open('rb') as file:
        text = file.read(SNIFFED)
    return b'"shapes"' in text or b'"imagePath"' in text


def labelme_splits(source: Path) -> dict[str, Path]:
    """Folders of LabelMe files by the name of their split; none if it is not LabelMe's."""
    if not source.is_dir():
        return {}
    parts = sorted(path for path in source.glob('*/') if path.name.startswith(SPLITS))
    found = {path.name: path for path in parts if _has_files(path.rglob('*.json'))}
    if not found and _has_files(source.rglob('*.json')):
        found['train'] = source
    return found


def _has_files(paths: Iterable[Path]) -> bool:
    first = next(iter(paths), None)
    return first is not None and is_labelme(first)


def read_content(source: Path, images: Path | None, wanted: Sequence[str]) -> Content:
    """Read the splits.

    Args:
        source: A folder of LabelMe files, or of folders whose names begin with train, val and test.
        images: Nothing: the files tell where their images are.
        wanted: Names of splits; all if there is none.

    Raises:
        UserError: A file is faulty, or an image is missing or outside of the source.
    """
    if images is not None:
        raise UserError('--images: LabelMe files say themselves where their images are')
    content = Content([], {})
    for split, folder in labelme_splits(source).items():
        if wanted and split not in wanted:
            continue
        pictures = []
        files = read_folder(files_below(folder, ('.json',)))
        check_inside([str(file.image) for _, file in files], [source], f'imagePath in {folder}')
        for path, file in files:
            size = true_size(file.image, file.size, path)
            name = path.relative_to(folder).with_suffix(file.image.suffix).as_posix()
            things = [Thing(item.label, item.box, item.polygons) for item in file.objects]
            content.lost.update(f'shapes of type {kind!r}, left out' for kind in file.others)
            content.lost.update(f'objects with {x}' for o in file.objects for x in o.extras)
            pictures.append(Picture(file.image, name, size, things))
        content.splits[split] = pictures
    content.classes = _classes(source, content.splits.values())
    return content


def _classes(source: Path, splits: Iterable[list[Picture]]) -> list[str]:
    there = sorted({t.name for pictures in splits for p in pictures for t in p.things})
    path = source / LABELS
    if not path.is_file():
        return there
    names = [line.strip() for line in path.read_text(encoding='utf-8').splitlines()]
    names = [name for name in names if name and name not in NO_CLASS]
    return names + [name for name in there if name not in names]


def write_content(content: Content, folder: Path, place: Place) -> None:
    """Write ``SPLIT/NAME.json`` beside the images, and ``labels.txt``; crowds are left out.

    Raises:
        UserError: Two images would have one file.
    """
    for split, pictures in content.splits.items():
        check_stems([Path(picture.name) for picture in pictures], 'LabelMe file')
        for picture in progress(pictures, f'writing {split}', 'image'):
            image = folder / split / picture.name
            place(picture.path, image)
            data: dict[str, Any] = dict(
                version='5.5.0',
                flags={},
                shapes=_shapes(picture, content.lost),
                imagePath=image.name,
                imageData=None,
                imageHeight=picture.size[1],
                imageWidth=picture.size[0],
            )
            text = json.dumps(data, indent=2, ensure_ascii=False)
            image.with_suffix('.json').write_text(text, encoding='utf-8')
        names = [picture.name for picture in pictures]
        content.lost['orders of images, now that of their names'] += names != sorted(names)
    names = [f'{name}\n' for name in content.classes]
    (folder / LABELS).write_text(''.join(names), encoding='utf-8')


def _shapes(picture: Picture, lost: Counter[str]) -> list[dict[str, Any]]:
    shapes: list[dict[str, Any]] = []
    for number, thing in enumerate(picture.things, 1):
        lost["objects marked 'difficult', now ordinary ones"] += thing.difficult
        if thing.crowd:
            lost['crowds, left out'] += 1
            continue
        left, top, right, bottom = thing.box
        outlines = list(thing.outlines)
        if outlines:
            outlines, done = fitted(outlines, thing.box)
            lost[done] += bool(done)
        for outline in outlines or [[left, top, right, bottom]]:
            points = [
                [round(v, 4) for v in p] for p in zip(outline[::2], outline[1::2], strict=True)
            ]
            shapes.append(
                dict(
                    label=thing.name,
                    points=points,
                    group_id=number if len(outlines) > 1 else None,
                    description='',
                    shape_type='polygon' if outlines else 'rectangle',
                    flags={},
                )
            )
    return shapes
