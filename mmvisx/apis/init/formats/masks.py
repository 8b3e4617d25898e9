"""Images and label maps of the same names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from mmvisx.apis.init.scan import Folder, Scan, part_of
from mmvisx.datasets.segmentation.seg_checks import KINDS, CountingReport, check_masks
from mmvisx.datasets.segmentation.seg_files import IMAGE_SUFFIXES, find_images
from mmvisx.utils.config.classes import read_classes
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text

from .base import Format, Part, choose_parts

__all__ = ['Masks', 'coloured_maps', 'lonely_maps']

WORDS = re.compile(r'mask|label|annot|seg|gt|target', re.IGNORECASE)
NAMES = ('classes.txt', 'labels.txt', 'names.txt')


@dataclass
class Masks(Format):
    """A class for each pixel."""

    name = 'masks'
    task = 'segmentation'
    fatal = ('missing label map', 'unreadable image', 'unreadable label map',
             'label map of several channels', 'label map of more than 8 bits',
             'size differs from the image', 'label outside the classes')  # fmt: skip

    @classmethod
    def find(cls, scan: Scan) -> Masks | None:
        """Find folders of PNGs whose names, or palettes, say that they are label maps."""
        found: dict[str, list[Part]] = {}
        for folder in scan.with_images:
            if _holds_masks(scan, folder):
                images = _images_for(scan, folder)
                if images is not None:
                    part = part_of(folder.path.relative_to(scan.root)) or part_of(
                        images.relative_to(scan.root)
                    )
                    found.setdefault(part or '', []).append(Part(images, folder.path))
        if not found:
            return None
        parts = choose_parts(found, 'folders of label maps')
        train = parts['train']
        count = len(find_images(train.images, train.labels, '.png'))
        why = f'{count} images of {_short(scan, train.images)} have PNGs of their names in '
        return cls(scan.root, parts, why + _short(scan, train.labels))

    def read_classes(self) -> tuple[str, ...]:
        """Names from ``classes.txt``, or ``class_0`` and so on for the labels that occur.

        Raises:
            UserError: There is one label only.
        """
        for name in NAMES:
            if (self.root / name).is_file():
                return read_classes([str(self.root / name)])
        train = self.parts['train']
        assert train.labels is not None
        found = [int(label) for label in check_masks(train.images, train.labels).classes]
        if not found or max(found) == 0:
            raise UserError(
                f'the label maps of {train.labels} have one label only ({found or "255"}; 255 is '
                'ignored): number the classes from 0, so masks of 0 and 255 have to become 0 and 1'
            )
        return tuple(f'class_{label}' for label in range(max(found) + 1))

    def check(self, part: Part) -> CountingReport:
        """Return what ``mmvisx check`` finds."""
        assert part.labels is not None
        return check_masks(part.images, part.labels, self.classes)

    def names(self, part: Part) -> list[str]:
        """Paths of the images below their folder."""
        found = find_images(part.images, part.labels, '.png')
        names = list(found)
        if part.listed is not None:
            names = part.listed.read_text(encoding='utf-8').splitlines()
        return [str(Path(found[name]).relative_to(part.images)) for name in names]

    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a list of names without ending."""
        path = stem.with_suffix('.txt')
        write_text(path, ''.join(f'{Path(name).with_suffix("")}\n' for name in names))
        return Part(part.images, part.labels, path)

    def arguments(self, part: Part) -> dict[str, Any]:
        """The two folders, and the list if there is one."""
        assert part.labels is not None
        arguments: dict[str, Any] = dict(type='mmvisx.SegmentationDataset')
        if part.listed is not None:
            arguments['ann_file'] = self.below(part.listed)
        folders = dict(img_path=self.below(part.images), seg_map_path=self.below(part.labels))
        return dict(arguments, data_prefix=folders)


def _short(scan: Scan, path: Path | None) -> str:
    return str(path.relative_to(scan.root)) if path is not None and path != scan.root else 'it'


def _holds_masks(scan: Scan, folder: Folder) -> bool:
    mode = _mode(folder)
    return mode == 'P' or (mode in KINDS and (_named(scan, folder) or _beside(folder)))


def _beside(folder: Folder) -> bool:
    """Whether most PNGs of a folder lie beside an image of their name and another ending."""
    others = {Path(name).stem for end in IMAGE_SUFFIXES if end != '.png'
              for name in folder.files.get(end, ())}  # fmt: skip
    stems = {Path(name).stem for name in folder.files.get('.png', ())}
    return 2 * len(stems & others) > len(stems)


def _named(scan: Scan, folder: Folder) -> bool:
    return WORDS.search(str(folder.path.relative_to(scan.root))) is not None


def _mode(folder: Folder) -> str:
    """Return how the first PNG of a folder holds its pixels, '' where there is none."""
    try:
        with Image.open(folder.path / folder.files['.png'][0]) as image:
            return image.mode
    except (KeyError, UnidentifiedImageError, OSError):
        return ''  # the check says it if this is an image of the data


def coloured_maps(scan: Scan) -> Path | None:
    """Return a folder that may be meant for label maps, but whose PNGs have several channels."""
    named = (f for f in scan.with_images if _named(scan, f) and _mode(f).startswith('RGB'))
    return next((folder.path for folder in named), None)


def lonely_maps(scan: Scan) -> Path | None:
    """Return a label map of a folder whose PNGs are not called as images."""
    held = (f for f in scan.with_images if _named(scan, f) and _holds_masks(scan, f))
    return next((f.path / f.files['.png'][0] for f in held if _images_for(scan, f) is None), None)


def _images_for(scan: Scan, masks: Folder) -> Path | None:
    """Return the folder with images of most of the names, nearest by its path."""
    stems = {Path(name).stem for name in masks.files['.png']}
    best, found = (0, 0), None
    for folder in scan.with_images:
        names = [n for n in folder.images if folder is not masks or not n.lower().endswith('.png')]
        if folder is not masks and _named(scan, folder):
            continue
        shared = len(stems & {Path(name).stem for name in names})
        alike = len(set(folder.path.parts) & set(masks.path.parts))
        if 0 < min(len(stems), len(names)) <= 2 * shared and (shared, alike) > best:
            best, found = (shared, alike), folder.path
    return found
