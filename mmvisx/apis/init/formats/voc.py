"""PASCAL VOC: an XML file for each image."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvisx.apis.init.scan import Scan, part_of
from mmvisx.datasets.detection.checks import Report, check_voc
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

from .base import Format, Part, choose_parts

__all__ = ['Voc']

LISTS = ('train', 'trainval', 'val', 'test')


@dataclass
class Voc(Format):
    """Boxes of the layout that VOC's years have: Annotations, JPEGImages, ImageSets/Main."""

    name = 'voc'

    @classmethod
    def find(cls, scan: Scan) -> Voc | None:
        """Find a year's folder and its lists of images."""
        years = [
            folder.path.parent
            for folder in scan.folders.values()
            if folder.path.name == 'Annotations'
            and '.xml' in folder.files
            and (folder.path.parent / 'JPEGImages') in scan.folders
        ]
        if not years:
            return None
        year = choose_parts({'': years}, 'VOC years')['train']
        lists = scan.folders.get(year / 'ImageSets' / 'Main')
        found: dict[str, list[Path]] = {}
        for name in LISTS:
            if lists is not None and f'{name}.txt' in lists.files.get('.txt', ()):
                found.setdefault(part_of(f'{name}.txt') or '', []).append(
                    lists.path / f'{name}.txt'
                )
        # trainval is both others.
        found = {part: paths[:1] for part, paths in found.items()}
        chosen = choose_parts(found, 'lists') if found else {'train': None}
        parts = {name: Part(year / 'JPEGImages', year, path) for name, path in chosen.items()}
        count = len(scan.folders[year / 'Annotations'].files['.xml'])
        return cls(scan.root, parts, f'{count} XML files in Annotations beside JPEGImages')

    def read_classes(self) -> tuple[str, ...]:
        """Names of all objects, in the order of the alphabet.

        Raises:
            UserError: An XML file cannot be read, or none has an object.
        """
        found: set[str] = set()
        for part in self.parts.values():
            for path in self._xml_files(part):
                try:
                    root = ET.parse(path).getroot()
                except (ET.ParseError, OSError) as error:
                    raise UserError(
                        f'annotation file {path} cannot be read ({error}): restore it'
                    ) from None
                found.update(item.findtext('name', '') for item in root.iter('object'))
        if not found - {''}:
            raise UserError(f'no XML file of {self.root} has an object with a name')
        return tuple(sorted(found - {''}))

    def _xml_files(self, part: Part) -> list[Path]:
        assert part.labels is not None
        folder = part.labels / 'Annotations'
        return [(folder / name).with_suffix('.xml') for name in self.names(part)]

    def check(self, part: Part) -> Report:
        """Return what ``mmvisx check`` finds."""
        assert part.labels is not None
        return check_voc(part.labels, part.listed.stem if part.listed else None, self.classes)

    def names(self, part: Part) -> list[str]:
        """Names of the images, with their ending."""
        assert part.labels is not None
        if part.listed is not None:
            lines = part.listed.read_text(encoding='utf-8').splitlines()
            stems = [line.split()[0] for line in lines if line.strip()]
        else:
            stems = sorted(path.stem for path in (part.labels / 'Annotations').glob('*.xml'))
        return [f'{stem}.jpg' for stem in stems]

    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a list of names without ending."""
        path = stem.with_suffix('.txt')
        write_text(path, ''.join(f'{Path(name).stem}\n' for name in names))
        return Part(part.images, part.labels, path)

    def arguments(self, part: Part) -> dict[str, Any]:
        """The list and the year."""
        assert part.labels is not None
        assert part.listed is not None
        return dict(
            type='mmvisx.VOCDataset',
            ann_file=self.below(part.listed),
            data_prefix=dict(sub_data_root=self.below(part.labels)),
        )
