"""YOLO: a text file for each image, with numbers relative to its size."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from mmvisx.datasets.detection.image_list import check_stems
from mmvisx.datasets.detection.yolo import in_pixels
from mmvisx.datasets.detection.yolo_files import image_labels, split_labels
from mmvisx.utils import UserError
from mmvisx.utils.inside import check_inside
from mmvisx.utils.progress import progress
from mmvisx.utils.yolo_file import data_yamls, label_path, read_labels, read_yolo

from .outlines import CLOSE, fitted, joined
from .records import Content, Picture, Place, Thing, folder_of, true_size

__all__ = ['read_content', 'write_content', 'yolo_folders', 'yolo_yaml']

# How parts are called: the first word is the key in data.yaml.
PARTS = {'train': ('train',), 'val': ('val', 'valid'), 'test': ('test',)}
CLASSES = ('classes.txt', 'labels/classes.txt', 'labels/train/classes.txt')


def yolo_yaml(source: Path) -> Path | None:
    """Return the ``data.yaml`` of a data set, whatever it is called; None if it has none."""
    if source.suffix in ('.yaml', '.yml'):
        return source
    paths = _yamls(source)
    return paths[0] if paths else None


def _yamls(source: Path) -> list[Path]:
    return data_yamls(sorted([*source.glob('*.yaml'), *source.glob('*.yml')]))


def yolo_folders(source: Path) -> dict[str, list[Path]]:
    """Folders of images by the name of their split, where labels lie beside them."""
    found: dict[str, list[Path]] = {}
    for part, names in PARTS.items():
        for name in names:
            for images, labels in (
                (source / 'images' / name, source / 'labels' / name),
                (source / name / 'images', source / name / 'labels'),
            ):
                if images.is_dir() and labels.is_dir():
                    found.setdefault(part, []).append(images)
    images, labels = source / 'images', source / 'labels'
    if not found and images.is_dir() and labels.is_dir():
        found['train'] = [images]
    return found


def read_content(
    source: Path, images: Path | None, wanted: Sequence[str], classes: Sequence[str] | None = None
) -> Content:
    """Read the splits.

    Args:
        source: A ``data.yaml``, or a folder with one, or with images and labels.
        images: Nothing: the labels tell by their place where the images are.
        wanted: Names of splits; all if there is none.
        classes: Names, where there is no ``data.yaml``.

    Raises:
        UserError: A file is faulty or missing, or an image outside of the data set, or the classes
            are not known.
    """
    if images is not None:
        raise UserError('--images: of YOLO data, the images lie where data.yaml says')
    path = yolo_yaml(source)
    if source.is_dir() and len(yamls := _yamls(source)) > 1:
        listed = ' and '.join(path.name for path in yamls)
        raise UserError(f'{source} has {listed}: give one of them in the place of the folder')
    if path is not None:
        data = read_yolo(path)
        names = data.names
        pairs = {k: split_labels(path, data, k) for k in data.splits if not wanted or k in wanted}
    else:
        names = tuple(classes or _names_beside(source))
        folders = yolo_folders(source)
        pairs = {k: image_labels(v) for k, v in folders.items() if not wanted or k in wanted}
    content = Content(list(names), {})
    for split, files in pairs.items():
        check_inside([str(image) for image, _ in files], [folder_of(source)], path or source)
        top = os.path.commonpath([image.parent for image, _ in files])
        found = []
        for image, label in progress(files, f'reading labels of {split}'):
            size = true_size(image, None, path or source)
            items = [in_pixels(item, names, size) for item in read_labels(label, names) or ()]
            things = [
                Thing(name, (box[0], box[1], box[2], box[3]), outlines)
                for name, box, outlines in items
            ]
            found.append(Picture(image, image.relative_to(top).as_posix(), size, things))
        content.splits[split] = found
    return content


def _names_beside(source: Path) -> list[str]:
    for name in CLASSES:
        if (source / name).is_file():
            lines = (source / name).read_text(encoding='utf-8').splitlines()
            return [line.strip() for line in lines if line.strip()]
    raise UserError(f'{source} has no data.yaml and no {CLASSES[0]}: give --classes in their order')


def write_content(content: Content, folder: Path, place: Place) -> None:
    """Write ``data.yaml``, ``images/SPLIT`` and ``labels/SPLIT``.

    Images whose order is not that of their names are listed in ``SPLIT.txt``. Several parts are
    joined; crowds are left out.

    Raises:
        UserError: Two splits or two images would be one.
    """
    keys = _keys([*content.splits])
    data: dict[str, object] = {}
    numbers = {name: k for k, name in enumerate(content.classes)}
    for split, pictures in content.splits.items():
        key = keys[split]
        check_stems([Path(picture.name) for picture in pictures], 'file of labels')
        data[key] = f'images/{key}'
        paths = [folder / 'images' / key / picture.name for picture in pictures]
        for picture, path in zip(progress(pictures, f'writing {key}', 'image'), paths, strict=True):
            place(picture.path, path)
            label = label_path(path)
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(''.join(_lines(picture, numbers, content.lost)), encoding='utf-8')
        if paths != sorted(paths):
            data[key] = f'{key}.txt'
            lines = [f'./{path.relative_to(folder).as_posix()}\n' for path in paths]
            (folder / f'{key}.txt').write_text(''.join(lines), encoding='utf-8')
    data['names'] = dict(enumerate(content.classes))
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    (folder / 'data.yaml').write_text(text, encoding='utf-8')


def _keys(splits: Sequence[str]) -> dict[str, str]:
    """Keys of ``data.yaml`` for splits: ``train`` for ``train2017``, and for the only one."""
    found: dict[str, str] = {}
    for split in splits:
        key = next((k for k, names in PARTS.items() if split.startswith(names)), None)
        key = 'train' if key is None and len(splits) == 1 else key
        if key is None:
            raise UserError(
                f'split {split!r}: YOLO has {", ".join(PARTS)}: leave it out with --splits'
            )
        if key in found.values():
            raise UserError(
                f'the splits {", ".join(splits)} would be {key!r} more than once in data.yaml: '
                'choose with --splits'
            )
        found[split] = key
    return found


def _lines(picture: Picture, numbers: dict[str, int], lost: Counter[str]) -> Iterator[str]:
    for thing in picture.things:
        lost["objects marked 'difficult', now ordinary ones"] += thing.difficult
        if thing.crowd:
            lost['crowds, left out'] += 1
            continue
        left, top, right, bottom = _inside(thing.box, picture.size)
        values = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        clipped = max(
            abs(a - b) for a, b in zip(thing.box, (left, top, right, bottom), strict=True)
        )
        lost['boxes that reached out of their image, now cut'] += clipped > CLOSE
        if thing.outlines:
            outlines, done = fitted(thing.outlines, thing.box)
            lost[done] += bool(done)
            lost['objects of several parts, now joined by a line'] += len(outlines) > 1
            values = _inside(joined(outlines), picture.size) if outlines else values
        relative = [v / picture.size[k % 2] for k, v in enumerate(values)]
        yield ' '.join([str(numbers[thing.name]), *(f'{v:.7g}' for v in relative)]) + '\n'


def _inside(values: Sequence[float], size: tuple[int, int]) -> list[float]:
    """Cut x, y, x, y, ... at the edges of an image."""
    return [min(max(v, 0.0), float(size[k % 2])) for k, v in enumerate(values)]
