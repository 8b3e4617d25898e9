"""YOLO: a text file of labels for each image, with a ``data.yaml`` or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvisx.apis.init.scan import Scan, part_of
from mmvisx.datasets.detection.checks import Report
from mmvisx.datasets.detection.yolo_files import NO_LABELS, image_labels
from mmvisx.utils.config.classes import read_classes
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text
from mmvisx.utils.progress import progress
from mmvisx.utils.yolo_file import data_yamls, label_path, read_labels, read_yolo

from .base import Format, Part, check_image_files, choose_parts

__all__ = ['Yolo']

# More classes than a file of labels without names will have.
ANY_CLASS = range(100_000)


@dataclass
class Yolo(Format):
    """Boxes, and polygons where the labels have them."""

    name = 'yolo'

    @classmethod
    def find(cls, scan: Scan) -> Yolo | None:
        """Find a ``data.yaml``, or images beside labels of the same names."""
        yamls = data_yamls(
            folder.path / name
            for folder in scan.folders.values()
            for ending in ('.yaml', '.yml')
            for name in folder.files.get(ending, ())
        )
        if yamls:
            return cls.of_file(scan.root, choose_parts({'': yamls}, 'YAML files')['train'])
        found: dict[str, list[Path]] = {}
        for folder in scan.with_images:
            if _labels_of(scan, folder.path, folder.images):
                part = part_of(folder.path.relative_to(scan.root)) or ''
                found.setdefault(part, []).append(folder.path)
        if not found:
            return None
        parts = {k: Part(path) for k, path in choose_parts(found, 'folders').items()}
        return cls(scan.root, parts, 'text files of labels with the names of the images')

    @classmethod
    def of_file(cls, root: Path, path: Path) -> Yolo:
        """Read the parts of a ``data.yaml``."""
        data = read_yolo(path)
        chosen = choose_parts({split: [split] for split in data.splits}, 'splits')
        parts = {name: Part(data.root, path, key=split) for name, split in chosen.items()}
        return cls(root, parts, f'{path.name} with names and folders of images')

    def read_classes(self) -> tuple[str, ...]:
        """Names of the ``data.yaml`` or of ``classes.txt``, else a number for each."""
        part = self.parts['train']
        if part.labels is not None:
            return read_yolo(part.labels).names
        folders = [self.root, *(label.parent for _, label in self._pairs(part)[:1])]
        for path in (folder / 'classes.txt' for folder in folders):
            if path.is_file():
                return read_classes([str(path)])
        pairs = [pair for part in self.parts.values() for pair in self._pairs(part)]
        indexes = {
            item.index
            for _, label in progress(pairs, 'reading labels')
            for item in read_labels(label, ANY_CLASS) or ()  # type: ignore[arg-type]
        }
        if not indexes:
            raise UserError(f'no file of labels of {self.root} has an object: annotate some')
        return tuple(f'class_{index}' for index in range(max(indexes) + 1))

    def take_classes(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return these names of the labels' numbers.

        Raises:
            UserError: They are fewer than the labels' classes, so that their places are others.
        """
        known = self.read_classes()
        if len(names) < len(known):
            raise UserError(
                f'--classes: {len(names)} names, but the labels of {self.root} are the numbers of '
                f'{len(known)} classes: name all of them'
            )
        return names

    def _pairs(self, part: Part) -> list[tuple[Path, Path]]:
        if part.labels is None:
            return image_labels([part.listed or part.images], part.images)
        data = read_yolo(part.labels)
        return image_labels(data.splits[part.key], data.root)

    def check(self, part: Part) -> Report:
        """Return which images cannot be read; faults of labels are errors of the data set."""
        return check_image_files([image for image, _ in self._pairs(part)])

    def names(self, part: Part) -> list[str]:
        """Paths of the images below the folder of the part."""
        return [_from(image, part.images) for image, _ in self._pairs(part)]

    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a list of images."""
        path = stem.with_suffix('.txt')
        write_text(path, ''.join(f'{name}\n' for name in names))
        return Part(part.images, listed=path)

    def arguments(self, part: Part) -> dict[str, Any]:
        """The ``data.yaml`` and its split, or the folder and its list."""
        if part.labels is not None:
            return dict(type='mmvisx.YoloDataset', ann_file=self.below(part.labels), split=part.key)
        listed = dict(ann_file=self.below(part.listed)) if part.listed else {}
        prefix = dict(img=self.below(part.images) or '.')
        return dict(type='mmvisx.YoloDataset', **listed, data_prefix=prefix)


def _from(path: Path, folder: Path) -> str:
    """Return a path below a folder, whole where it is not."""
    path, folder = path.absolute(), folder.absolute()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _labels_of(scan: Scan, folder: Path, images: Sequence[str]) -> bool:
    """Whether some of a folder's images have a text file where YOLO puts their labels."""
    labels = [label_path(folder / name) for name in images]
    texts = _texts(scan, labels[0].parent)
    return any(label.name in texts and label.name not in NO_LABELS for label in labels)


def _texts(scan: Scan, folder: Path) -> set[str]:
    return set(scan.folders[folder].files.get('.txt', ())) if folder in scan.folders else set()
