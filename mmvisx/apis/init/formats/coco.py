"""COCO: one JSON file a part, and a folder of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmvisx.apis.init.scan import Scan, part_of
from mmvisx.datasets.detection.checks import Report, check_coco
from mmvisx.utils.coco_file import read_coco
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_json

from .base import Format, Part, choose_parts

__all__ = ['Coco']

LOOKED_AT = 20


@dataclass
class Coco(Format):
    """Boxes, and masks where the file has them."""

    name = 'coco'

    @classmethod
    def find(cls, scan: Scan) -> Coco | None:
        """Find the annotation files and, for each, the folder that has its images."""
        return cls.of_files(scan, scan.json_files('coco'))

    @classmethod
    def of_files(cls, scan: Scan, files: Sequence[Path]) -> Coco | None:
        """As :meth:`find`, of these files."""
        if not files:
            return None
        instances = [path for path in files if 'instances' in path.name] or files
        found: dict[str, list[Path]] = {}
        for path in instances:
            found.setdefault(part_of(path.relative_to(scan.root)) or '', []).append(path)
        if len(found.get('train', ())) > 1:
            others = [path for part in ('val', 'test') for path in found.get(part, ())]
            found['train'] = _without_images_of(found['train'], others)
        chosen = choose_parts(found, 'COCO files')
        parts = {name: Part(_image_folder(scan, path), path) for name, path in chosen.items()}
        names = ', '.join(str(path.relative_to(scan.root)) for path in chosen.values())
        return cls(scan.root, parts, f'{names} with images, annotations and categories')

    def read_classes(self) -> tuple[str, ...]:
        """Names of the categories in the order of their ids."""
        categories = self._content(self.parts['train'])['categories']
        return tuple(c['name'] for c in sorted(categories, key=lambda c: c['id']))

    def _content(self, part: Part) -> dict[str, Any]:
        assert part.labels is not None
        return _read(part.labels)

    def check(self, part: Part) -> Report:
        """Return what ``mmvisx check`` finds."""
        assert part.labels is not None
        return check_coco(part.labels, part.images, classes=self.classes)

    def names(self, part: Part) -> list[str]:
        """Names of the images in the file."""
        return [image['file_name'] for image in self._content(part)['images']]

    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a COCO file of these images."""
        content, wanted = self._content(part), set(names)
        images = [image for image in content['images'] if image['file_name'] in wanted]
        ids = {image['id'] for image in images}
        annotations = [a for a in content['annotations'] if a['image_id'] in ids]
        path = stem.with_suffix('.json')
        chosen = {**content, 'images': images, 'annotations': annotations}
        write_json(path, chosen, indent=None)
        return Part(part.images, path)

    def arguments(self, part: Part) -> dict[str, Any]:
        """``ann_file`` and the folder of images."""
        assert part.labels is not None
        return dict(
            type='mmvisx.CocoDataset',
            ann_file=self.below(part.labels),
            data_prefix=dict(img=self.below(part.images)),
        )


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a file, which takes a minute to read where it is large."""
    return _read_once(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read_once(path: Path, changed: int) -> dict[str, Any]:
    return read_coco(path)


def _image_names(path: Path) -> set[str]:
    return {image['file_name'] for image in _read(path)['images']}


def _without_images_of(files: list[Path], others: Iterable[Path]) -> list[Path]:
    """Return the files that share no image with others; all where that leaves none."""
    taken = set().union(*map(_image_names, others))
    return [path for path in files if not taken & _image_names(path)] or files


def _image_folder(scan: Scan, path: Path) -> Path:
    """Return the folder below which a file's images are.

    Raises:
        UserError: There is none.
    """
    images = _read(path)['images']
    if not images:
        raise UserError(f'{path} lists no image: there is nothing to train on')
    names = [image['file_name'] for image in images]
    step = max(1, len(names) // LOOKED_AT)
    some = names[::step]
    near = [path.parent, *(folder.path for folder in scan.with_images)]
    candidates = dict.fromkeys([*near, *(p for f in near for p in f.parents)])
    inside = [c for c in candidates if c.is_relative_to(scan.root)]
    counts = {c: sum((c / name).is_file() for name in some) for c in inside}
    best = max(counts, key=lambda c: counts[c])
    if not counts[best]:
        raise UserError(
            f'{path} names images such as {names[0]}, but no folder below {scan.root} has them; '
            f'there are {scan.table()}'
        )
    return best
