"""Look for faults in a data set on disk, in COCO or PASCAL VOC format."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from terminaltables import AsciiTable

from mmvisx.datasets.image_file import image_fault, image_size, size_fault
from mmvisx.utils import UserError
from mmvisx.utils.coco_file import read_coco
from mmvisx.utils.inside import check_inside
from mmvisx.utils.progress import progress

from .coco_faults import find_faults
from .coco_json import box_fault, duplicates, reaches_out, valid_box
from .voc import image_file

CHECKS = (
    'missing image',
    'unreadable image',
    'size differs from the image',
    'box outside the image',
    'box of no area',
    'box not valid',
    'unknown category',
    'duplicate id',
    'duplicate category name',
    'duplicate file name',
    'annotation of an unknown image',
    'value not valid',
    'polygon with fewer than 3 points',
    'polygon not valid',
    'RLE not valid',
    'no object but crowds',
    'image more than 100 times as long as wide',
    'missing annotation file',
    'unreadable annotation file',
    'missing stuff map',
    'unreadable stuff map',
    'stuff map of another size',
)
EXAMPLES = 3


@dataclass
class Report:
    """Faults by kind: how many, and where."""

    images: int = 0
    objects: int = 0
    checks: tuple[str, ...] = CHECKS
    counts: dict[str, int] = field(init=False)
    examples: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Start with no fault."""
        self.counts = dict.fromkeys(self.checks, 0)
        self.examples = {check: [] for check in self.checks}

    @property
    def faults(self) -> int:
        """All faults together."""
        return sum(self.counts.values())

    def add(self, check: str, example: str) -> None:
        """Count a fault."""
        self.counts[check] += 1
        self.examples[check].append(example)

    def table(self) -> str:
        """One row a check: name, count, first examples."""
        rows = [['check', 'count', 'first examples']]
        for check in self.checks:
            first = self.examples[check][:EXAMPLES]
            rows.append([check, str(self.counts[check]), '\n'.join(first)])
        return AsciiTable(rows).table

    def as_dict(self) -> dict[str, Any]:
        """For a JSON report, with every fault."""
        checks = {c: {'count': self.counts[c], 'examples': self.examples[c]} for c in self.checks}
        return {
            'images': self.images,
            'objects': self.objects,
            'faults': self.faults,
            'checks': checks,
        }


def check_image(report: Report, path: Path, width: float | None, height: float | None) -> None:
    """Count what is wrong with an image file; with None for a size there is none to compare."""
    if not path.is_file():
        report.add('missing image', str(path))
        return
    data = path.read_bytes()
    fault = image_fault(data, decode=True)
    if fault is not None:
        report.add('unreadable image', f'{path} {fault}')
        return
    if width is None or height is None:
        return
    fault = size_fault(data, (width, height), image_size(data))
    if fault is not None:
        report.add('size differs from the image', f'{path}: {fault}')


def check_box(report: Report, box: Any, width: float, height: float, where: str) -> None:
    """Count what is wrong with an (x, y, width, height) box."""
    fault = box_fault(box, width, height)
    if not valid_box(box):
        report.add('box not valid', f'{where}: {box}')
    elif fault is not None:
        report.add(fault, f'{where}: {box}')
    elif reaches_out(box, width, height):
        report.add('box outside the image', f'{where}: {box} in {width}x{height}')


def _check_stuff(report: Report, path: Path, width: float, height: float) -> None:
    if not path.is_file():
        report.add('missing stuff map', str(path))
        return
    data = path.read_bytes()
    fault = image_fault(data, decode=True)
    if fault is not None:
        report.add('unreadable stuff map', f'{path} {fault}')
        return
    with Image.open(io.BytesIO(data)) as image:
        if len(image.getbands()) != 1:
            report.add('unreadable stuff map', f'{path}: {image.mode}, should have one channel')
        elif image.size != (width, height):
            size = f'{image.size[0]}x{image.size[1]}'
            report.add('stuff map of another size', f'{path}: {size}, image {width}x{height}')


def check_coco(
    annotation_file: str | Path,
    image_folder: str | Path,
    stuff_folder: str | Path | None = None,
    classes: Collection[str] | None = None,
) -> Report:
    """Check a COCO instances file and its images.

    Args:
        stuff_folder: Folder of label PNGs named as the images, checked if given.
        classes: Names that the detector will be trained on; by default those of the file.

    Raises:
        UserError: The file cannot be read at all, or the image folder is missing.
    """
    content = read_coco(annotation_file)
    folder = Path(image_folder)
    if not folder.is_dir():
        raise UserError(f'image folder {folder} does not exist')
    images, annotations = content['images'], content['annotations']
    paths = (str(folder / image['file_name']) for image in images)
    check_inside(paths, [folder], annotation_file)
    report = Report(len(images), len(annotations))
    for fault in find_faults(content):
        report.add(fault.check, f'{fault.where}: {fault.text}')
    if all(annotation.get('iscrowd') for annotation in annotations):
        report.add('no object but crowds', f'{annotation_file}: {len(annotations)} annotations')
    for name in duplicates(image['file_name'] for image in images):
        report.add('duplicate file name', name)
    sizes = {image['id']: (image['width'], image['height']) for image in images}
    names = {category['id']: category['name'] for category in content['categories']}
    for annotation in annotations:
        where = f'annotation {annotation["id"]}'
        category = annotation['category_id']
        if category not in names or (classes is not None and names[category] not in classes):
            report.add('unknown category', f'{where}: {names.get(category, category)}')
        if annotation['image_id'] not in sizes:
            report.add('annotation of an unknown image', f'{where}: {annotation["image_id"]}')
        elif valid_box(annotation.get('bbox')):
            check_box(report, annotation['bbox'], *sizes[annotation['image_id']], where)
    for image in progress(images, 'checking', 'image'):
        width, height = image['width'], image['height']
        check_image(report, folder / image['file_name'], width, height)
        if max(width, height) > 100 * min(width, height):
            where = f'{image["file_name"]}: {width}x{height}'
            report.add('image more than 100 times as long as wide', where)
        if stuff_folder is not None:
            name = Path(image['file_name']).with_suffix('.png')
            _check_stuff(report, Path(stuff_folder) / name, width, height)
    return report


def check_voc(year_folder: str | Path, split: str | None, classes: Collection[str]) -> Report:
    """Check a VOC year folder: ``Annotations``, ``JPEGImages``, ``ImageSets/Main``.

    Args:
        split: Name of an image list; without it all XML files are checked.
        classes: Names that are known.

    Raises:
        UserError: The folder or the image list is missing, or nothing is listed.
    """
    folder = Path(year_folder)
    if not (folder / 'Annotations').is_dir():
        raise UserError(f'{folder} has no folder Annotations: give VOCdevkit/VOC2012 or the like')
    if split is None:
        names = sorted(path.stem for path in (folder / 'Annotations').glob('*.xml'))
    else:
        path = folder / 'ImageSets' / 'Main' / f'{split}.txt'
        if not path.is_file():
            raise UserError(f'image list {path} does not exist')
        names = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
    if not names:
        raise UserError(f'{folder}: no image to check')
    report = Report(len(names))
    for name in duplicates(names):
        report.add('duplicate id', f'{split}.txt: {name}')
    for name in progress(names, 'checking', 'image'):
        _check_voc_image(report, folder, name, classes)
    return report


def _check_voc_image(report: Report, folder: Path, name: str, classes: Collection[str]) -> None:
    xml = folder / 'Annotations' / f'{name}.xml'
    width, height = None, None
    root = None
    if not xml.is_file():
        report.add('missing annotation file', str(xml))
    else:
        try:
            root = ET.parse(xml).getroot()
            if root.find('size') is not None:
                width = int(root.findtext('size/width', ''))
                height = int(root.findtext('size/height', ''))
        except (ET.ParseError, ValueError) as error:
            report.add('unreadable annotation file', f'{xml}: {error}')
    named = '' if root is None else root.findtext('filename', '')
    image = image_file(str(folder / 'JPEGImages' / f'{name}.jpg'), named)
    check_image(report, Path(image), width, height)
    for k, item in enumerate([] if root is None else root.findall('object')):
        report.objects += 1
        where = f'{xml} object {k + 1}'
        label = item.findtext('name')
        if label not in classes:
            report.add('unknown category', f'{where}: {label}')
        try:
            x1, y1, x2, y2 = (
                float(item.findtext(f'bndbox/{key}', ''))
                for key in ('xmin', 'ymin', 'xmax', 'ymax')
            )
        except ValueError:
            report.add('box not valid', where)
            continue
        box = [x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1]
        infinite = float('inf')
        check_box(report, box, width or infinite, height or infinite, where)


def parse_classes(text: str) -> tuple[str, ...]:
    """Class names from a comma-separated list."""
    return tuple(name for name in re.split(r'\s*,\s*', text.strip()) if name)
