"""Look for faults in data whose annotations are a file for each image: YOLO and LabelMe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from mmvisx.datasets.image_file import file_size
from mmvisx.utils import UserError
from mmvisx.utils.labelme_file import read_labelme
from mmvisx.utils.progress import progress
from mmvisx.utils.yolo_file import label_path, parse_line, read_lines, read_yolo

from .checks import Report, check_box, check_image
from .image_list import files_below, images_of, same_stems
from .yolo import in_pixels
from .yolo_files import strays

__all__ = ['check_labelme', 'check_yolo']

LABEL = 'label not valid'
STEMS = 'two images of one name'
STRAY = 'labels without an image'
SHARED = (
    'missing image',
    'unreadable image',
    'size differs from the image',
    'box outside the image',
    'box of no area',
)


def check_yolo(
    source: str | Path, split: str | None = None, classes: Sequence[str] | None = None
) -> Report:
    """Check labels and images.

    Args:
        source: A ``data.yaml``, or a folder of images.
        split: One split of the ``data.yaml``; by default all.
        classes: Names in the order of the numbers, of a folder.

    Raises:
        UserError: The ``data.yaml`` is faulty or has no such split, a folder has no images, or its
            classes are not given.
    """
    source, root = Path(source), None
    if source.is_dir():
        if classes is None:
            raise UserError(f'{source}: labels have numbers only: give --classes in their order')
        parts, names = {'': [source]}, tuple(classes)
    else:
        data = read_yolo(source)
        parts, names, root = data.splits, data.names, data.root
        if split is not None and split not in parts:
            raise UserError(f'{source} has no split {split!r}; it has {", ".join(parts)}')
    report = Report(checks=(*SHARED, LABEL, STEMS, STRAY, 'unreadable annotation file'))
    for part, places in parts.items():
        if split in (None, part):
            _check_part(report, places, root, names)
    return report


def _check_part(
    report: Report, places: Sequence[Path], root: Path | None, names: Sequence[str]
) -> None:
    images = images_of(places, root)
    pairs = [(image, label_path(image)) for image in images]
    report.images += len(images)
    for other, image in same_stems(images):
        report.add(STEMS, f'{other}, {image}')
    if all(place.is_dir() for place in places):
        for path, _ in strays(pairs):
            report.add(STRAY, path)
    for image, label in progress(pairs, 'checking', 'image'):
        size = _size(report, image)
        try:
            lines = read_lines(label) or []
        except UserError as error:
            report.add('unreadable annotation file', str(error))
            continue
        for number, line in enumerate(lines, 1):
            if line.strip():
                report.objects += 1
                _check_line(report, line, names, size, f'{label}, line {number}')


def _size(
    report: Report, image: Path, annotated: tuple[int, int] | None = None
) -> tuple[int, int] | None:
    """Count what is wrong with an image; its size, None where it has none."""
    faults = report.faults
    check_image(report, image, *(annotated or (None, None)))
    return annotated or (file_size(image) if report.faults == faults else None)


def _check_line(
    report: Report, line: str, names: Sequence[str], size: tuple[int, int] | None, where: str
) -> None:
    try:
        item = parse_line(line, names)
    except ValueError as error:
        report.add(LABEL, f'{where}: {error}')
        return
    if size is not None:
        _, (left, top, right, bottom), _ = in_pixels(item, names, size)
        check_box(report, [left, top, right - left, bottom - top], *size, where)


def check_labelme(folder: str | Path, classes: Collection[str] | None = None) -> Report:
    """Check the LabelMe files of a folder and those below it.

    Args:
        folder: Of the files.
        classes: Names that the detector will be trained on; by default those of the files.

    Raises:
        UserError: There is no LabelMe file.
    """
    paths = files_below(Path(folder), ('.json',))
    if not paths:
        raise UserError(f'{folder} has no LabelMe file (*.json): check the path')
    report = Report(len(paths), checks=(*SHARED, 'unknown category', STEMS, LABEL))
    images: dict[Path, Path] = {}
    for path in progress(paths, 'checking'):
        try:
            file = read_labelme(path)
        except UserError as error:
            report.add(LABEL, str(error))
            continue
        other = images.setdefault(file.image.resolve(), path)
        if other is not path:
            report.add(STEMS, f'{other} and {path} are both of {file.image}')
        size = _size(report, file.image, file.size)
        for item in file.objects:
            report.objects += 1
            where = f'{path}: {item.label}'
            if classes is not None and item.label not in classes:
                report.add('unknown category', where)
            left, top, right, bottom = item.box
            if size is not None:
                check_box(report, [left, top, right - left, bottom - top], *size, where)
    return report
