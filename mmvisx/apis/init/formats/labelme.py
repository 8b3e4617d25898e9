"""LabelMe: a JSON file for each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvisx.apis.init.scan import Scan, part_of
from mmvisx.datasets.detection.checks import Report
from mmvisx.datasets.detection.image_list import listed
from mmvisx.datasets.detection.labelme import read_folder
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

from .base import Format, Part, check_image_files, choose_parts

__all__ = ['LabelMe']


@dataclass
class LabelMe(Format):
    """Boxes, and outlines where polygons were drawn."""

    name = 'labelme'

    @classmethod
    def find(cls, scan: Scan) -> LabelMe | None:
        """Find the folders of LabelMe files."""
        files = scan.json_files('labelme')
        if not files:
            return None
        found: dict[str, list[Path]] = {}
        for folder in sorted({path.parent for path in files}):
            found.setdefault(part_of(folder.relative_to(scan.root)) or '', []).append(folder)
        if set(found) == {''}:  # any folders below one are its sub-folders
            found = {'': [scan.root]}
        parts = {k: Part(path) for k, path in choose_parts(found, 'folders').items()}
        return cls(scan.root, parts, f'{len(files)} JSON files with shapes and imagePath')

    def read_classes(self) -> tuple[str, ...]:
        """Labels of all objects, in the order of the alphabet.

        Raises:
            UserError: A file is faulty, or there is no object.
        """
        names = {
            item.label
            for part in self.parts.values()
            for _, file in read_folder(self._files(part))
            for item in file.objects
        }
        if not names:
            raise UserError(f'no LabelMe file of {self.root} has an object: draw some')
        return tuple(sorted(names))

    def _files(self, part: Part) -> list[Path]:
        if part.listed is not None:
            return listed(part.listed, [part.images])
        return sorted(part.images.rglob('*.json'))

    def check(self, part: Part) -> Report:
        """Return which images cannot be read; faults of files are errors of the data set."""
        return check_image_files([file.image for _, file in read_folder(self._files(part))])

    def names(self, part: Part) -> list[str]:
        """Paths of the LabelMe files below the folder of the part."""
        return [str(path.relative_to(part.images)) for path in self._files(part)]

    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a list of LabelMe files."""
        path = stem.with_suffix('.txt')
        write_text(path, ''.join(f'{name}\n' for name in names))
        return Part(part.images, listed=path)

    def arguments(self, part: Part) -> dict[str, Any]:
        """The folder, and the list if there is one."""
        arguments: dict[str, Any] = dict(type='mmvisx.LabelMeDataset')
        if part.listed is not None:
            arguments['ann_file'] = self.below(part.listed)
        return dict(arguments, data_prefix=dict(img=self.below(part.images) or '.'))
