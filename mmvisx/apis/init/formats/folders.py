"""Class folders: the folder of an image is its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvisx.apis.init.scan import Scan, part_of
from mmvisx.datasets.segmentation.seg_checks import FOLDER_SUFFIXES, CountingReport, check_folders
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

from .base import Format, Part, choose_parts

__all__ = ['Folders']

# Folders of these names hold the data of any task.
NO_CLASSES = ('images', 'imgs', 'jpegimages', 'photos', 'labels', 'masks', 'annotations')


@dataclass
class Folders(Format):
    """One class an image."""

    name = 'folders'
    task = 'classification'
    fatal = ('unknown class folder', 'missing class folder', 'class folder without an image',
             'unreadable image')  # fmt: skip

    @classmethod
    def find(cls, scan: Scan) -> Folders | None:
        """Find folders of images below ``train`` and ``val``, or below the folder itself."""
        first = {
            folder.path.relative_to(scan.root).parts[0]
            for folder in scan.with_images
            if folder.path != scan.root
        }
        found: dict[str, list[Path]] = {}
        for name in sorted(first):
            if part_of(name) and _class_folders(scan, scan.root / name):
                found.setdefault(part_of(name) or '', []).append(scan.root / name)
        if not found and _class_folders(scan, scan.root):
            found[''] = [scan.root]
        if not found:
            return None
        parts = {k: Part(path) for k, path in choose_parts(found, 'folders').items()}
        names = _class_folders(scan, parts['train'].images)
        if len(names) == 1:
            raise UserError(
                f'{parts["train"].images} has one class folder only, {names[0]}: a classifier '
                'needs two or more'
            )
        some = ', '.join(names[:3])
        return cls(scan.root, parts, f'{len(names)} folders of images ({some} ...), no annotations')

    def read_classes(self) -> tuple[str, ...]:
        """Names of the folders."""
        root = self.parts['train'].images
        return tuple(sorted(p.name for p in root.iterdir() if p.is_dir() and p.name[0] != '.'))

    def check(self, part: Part) -> CountingReport:
        """Return what ``mmvisx check`` finds."""
        return check_folders(part.images, self.classes)

    def names(self, part: Part) -> list[str]:
        """Paths of the images below the folder of the part."""
        if part.listed is not None:
            lines = part.listed.read_text(encoding='utf-8').splitlines()
            return [line.rpartition(' ')[0] for line in lines]
        return [
            str(path.relative_to(part.images))
            for name in self.classes
            for path in sorted((part.images / name).rglob('*'))
            if path.suffix.lower() in FOLDER_SUFFIXES
            and not any(word[0] == '.' for word in path.relative_to(part.images).parts)
        ]

    def strata(self, names: Sequence[str]) -> list[str]:
        """The class of each image."""
        return [Path(name).parts[0] for name in names]

    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a list of images and labels."""
        places = {name: place for place, name in enumerate(self.classes)}
        path = stem.with_suffix('.txt')
        lines = (f'{name} {places[Path(name).parts[0]]}\n' for name in names)
        write_text(path, ''.join(lines))
        return Part(part.images, listed=path)

    def arguments(self, part: Part) -> dict[str, Any]:
        """The folder, and the list if there is one."""
        arguments: dict[str, Any] = dict(type='mmvisx.ImageFolder')
        if part.listed is not None:
            arguments['ann_file'] = self.below(part.listed)
        return dict(arguments, data_prefix=self.below(part.images))


def _class_folders(scan: Scan, root: Path) -> list[str]:
    """Return the names of the folders below one if they may be classes."""
    below = [
        folder.path.relative_to(root).parts
        for folder in scan.with_images
        if folder.path.is_relative_to(root) and folder.path != root
    ]
    words = {word for parts in below for word in parts}
    # Parts below them: each of these folders is a data set of its own.
    if any(word.lower() in NO_CLASSES or part_of(word) for word in words):
        return []
    return sorted({parts[0] for parts in below})
