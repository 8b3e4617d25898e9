"""Look for faults in folders of images and label maps, and in class folders."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from terminaltables import AsciiTable

from mmvisx.datasets.detection.checks import Report
from mmvisx.datasets.image_file import image_fault, image_size
from mmvisx.utils import UserError
from mmvisx.utils.progress import progress

from .seg_files import IMAGE_SUFFIXES, find_files, find_images

__all__ = ['CountingReport', 'check_folders', 'check_masks']

MASK_CHECKS = (
    'missing label map',
    'label map without an image',
    'unreadable image',
    'unreadable label map',
    'label map of several channels',
    'label map of more than 8 bits',
    'size differs from the image',
    'label outside the classes',
    'no label but 255',
    'class without a pixel',
)
FOLDER_CHECKS = (
    'unknown class folder',
    'missing class folder',
    'class folder without an image',
    'unreadable image',
    'image beside the class folders',
    'file of another kind',
    'one image in two classes',
)
# Of mmpretrain's data sets.
FOLDER_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif')
IGNORE = 255
# Modes of images that are read as the numbers that they hold; True is 1.
KINDS = {'P': 'with a palette', 'L': 'grey', '1': 'of one bit'}


@dataclass
class CountingReport(Report):
    """Faults, and how much there is of each class.

    Attributes:
        classes: ``{class: (images, pixels)}``.
        kinds: How many label maps are with a palette, grey ...
    """

    classes: dict[str, tuple[int, int]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)

    def class_table(self) -> str:
        """One row a class: images and, of masks, the share of the labelled pixels."""
        rows = [['class', 'images', '% of the labelled pixels']]
        for name, (images, pixels) in self.classes.items():
            rows.append([name, str(images), f'{100 * pixels / max(self.objects, 1):.2f}'])
        return AsciiTable(rows if self.objects else [row[:2] for row in rows]).table

    def as_dict(self) -> dict[str, Any]:
        """For a JSON report."""
        return {**super().as_dict(), 'classes': self.classes, 'kinds': dict(self.kinds)}


def check_masks(
    images: str | Path, masks: str | Path, classes: Sequence[str] | None = None
) -> CountingReport:
    """Check a folder of images and one of label maps of the same names.

    They are those that ``mmvisx.SegmentationDataset`` reads. In the report ``objects`` are the
    labelled pixels.

    Args:
        images: Folder of the images.
        masks: Folder of the label maps, PNG.
        classes: Names of the labels from 0; by default any label is a class.

    Raises:
        UserError: A folder is missing or has no file, or two images have one name.
    """
    found, maps = find_images(images, masks, '.png'), find_files(masks, ('.png',))
    if not found:
        raise UserError(f'{images} has no image ({", ".join(IMAGE_SUFFIXES)})')
    report = CountingReport(images=len(found), checks=MASK_CHECKS)
    for name in sorted(maps.keys() - found.keys()):
        report.add('label map without an image', maps[name])
    pixels, presence = np.zeros(IGNORE + 1, int), np.zeros(IGNORE + 1, int)
    for name, image in progress(found.items(), 'checking', 'image'):
        if name not in maps:
            report.add('missing label map', f'{image}: no {Path(masks) / name}.png')
            continue
        labels = _labels_of(report, image, maps[name])
        if labels is None:
            continue
        counts = np.bincount(labels.ravel(), minlength=IGNORE + 1)
        pixels += counts
        presence += counts > 0
        _check_labels(report, maps[name], np.flatnonzero(counts), classes)
    _count_classes(report, presence, pixels, classes)
    return report


def _labels_of(report: CountingReport, image: str, path: str) -> np.ndarray | None:
    """Return a label map, None if nothing can be done with it."""
    size = None
    for name, what in ((image, 'image'), (path, 'label map')):
        data = Path(name).read_bytes()
        fault = image_fault(data, decode=True)
        if fault is not None:
            report.add(f'unreadable {what}', f'{name} {fault}')
        elif what == 'image':
            size = image_size(data)
    if fault is not None:
        return None
    with Image.open(io.BytesIO(data)) as png:
        if len(png.getbands()) > 1:
            report.add('label map of several channels', f'{path}: {png.mode}')
            return None
        if png.mode not in KINDS:
            report.add('label map of more than 8 bits', f'{path}: {png.mode}')
            return None
        labels = np.asarray(png).astype(np.uint8)
        report.kinds[KINDS[png.mode]] += 1
    if size is not None and labels.shape[::-1] != size:
        text = f'{path}: {labels.shape[1]}x{labels.shape[0]}, image {size[0]}x{size[1]}'
        report.add('size differs from the image', text)
    return labels


def _check_labels(
    report: Report, path: str, found: np.ndarray, classes: Sequence[str] | None
) -> None:
    known = found[found != IGNORE]
    if not len(known):
        report.add('no label but 255', path)
    elif classes is not None and known[-1] >= len(classes):
        wrong = ', '.join(map(str, known[known >= len(classes)]))
        report.add('label outside the classes', f'{path}: {wrong}, not in 0 to {len(classes) - 1}')


def _count_classes(
    report: CountingReport,
    presence: np.ndarray,
    pixels: np.ndarray,
    classes: Sequence[str] | None,
) -> None:
    report.objects = int(pixels[:IGNORE].sum())
    labels = range(len(classes)) if classes is not None else np.flatnonzero(pixels[:IGNORE])
    for label in labels:
        name = f'{label} {classes[label]}' if classes is not None else str(label)
        report.classes[name] = (int(presence[label]), int(pixels[label]))
        if not pixels[label]:
            report.add('class without a pixel', name)


def check_folders(root: str | Path, classes: Sequence[str] | None = None) -> CountingReport:
    """Check class folders, as ``mmvisx.ImageFolder`` reads them.

    Args:
        root: Folder with a sub-folder of images for each class.
        classes: Names that the sub-folders should have; by default any.

    Raises:
        UserError: There is no sub-folder.
    """
    folders = sorted(p for p in Path(root).iterdir() if p.is_dir() and p.name[0] != '.')
    if not folders:
        raise UserError(f'{root} has no class folders: each class is a folder of images')
    report = CountingReport(checks=FOLDER_CHECKS)
    names = [folder.name for folder in folders]
    if classes is not None:
        for name in sorted(set(names) - set(classes)):
            report.add('unknown class folder', str(Path(root) / name))
        for name in sorted(set(classes) - set(names)):
            report.add('missing class folder', str(Path(root) / name))
    for path in sorted(p for p in Path(root).iterdir() if p.suffix.lower() in FOLDER_SUFFIXES):
        report.add('image beside the class folders', str(path))
    seen: dict[bytes, Path] = {}
    for folder in progress(folders, 'checking', 'folder'):
        count = _check_folder(report, folder, seen)
        report.images += count
        report.classes[folder.name] = (count, 0)
        if not count:
            report.add('class folder without an image', str(folder))
    return report


def _check_folder(report: Report, folder: Path, seen: dict[bytes, Path]) -> int:
    """Check the images of a class and return how many there are."""
    count = 0
    for path in sorted(p for p in folder.rglob('*') if p.is_file() and p.name[0] != '.'):
        if path.suffix.lower() not in FOLDER_SUFFIXES:
            report.add('file of another kind', str(path))
            continue
        count += 1
        data = path.read_bytes()
        fault = image_fault(data, decode=True)
        if fault is not None:
            report.add('unreadable image', f'{path} {fault}')
        other = seen.setdefault(hashlib.sha256(data).digest(), path)
        if other.relative_to(folder.parent).parts[0] != folder.name:
            report.add('one image in two classes', f'{other} and {path}')
    return count
