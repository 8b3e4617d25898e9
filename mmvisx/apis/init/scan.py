"""What lies in a folder: its files by folder and ending, and what kinds of JSON they are."""

from __future__ import annotations

import mmap
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mmvisx.datasets.segmentation.seg_files import IMAGE_SUFFIXES
from mmvisx.utils.errors import UserError
from mmvisx.utils.progress import progress

__all__ = ['Folder', 'Scan', 'json_kind', 'part_of', 'scan']

# Where so many JSON files of a folder are of one kind, the others are taken for it, too.
PEEKED = 20
# What a file of a kind has words for, the first match counts.
JSON_KINDS = {
    'panoptic': (b'"segments_info"', b'"annotations"'),
    'labelme': (b'"shapes"', b'"imagePath"'),
    'coco': (b'"images"', b'"annotations"', b'"categories"'),
}
PARTS = {'val': ('val', 'valid', 'dev'), 'test': ('test',), 'train': ('train',)}


@dataclass
class Folder:
    """The files of one folder, without those below it.

    Attributes:
        path: Of the folder.
        files: ``{ending in small letters: names in the order of the alphabet}``.
    """

    path: Path
    files: dict[str, list[str]] = field(default_factory=dict)

    @property
    def images(self) -> list[str]:
        """Names of the images."""
        return sorted(name for end in IMAGE_SUFFIXES for name in self.files.get(end, ()))


@dataclass
class Scan:
    """All files below a folder.

    Attributes:
        root: The folder.
        folders: Those that hold files, in the order of the alphabet.
    """

    root: Path
    folders: dict[Path, Folder]

    @property
    def with_images(self) -> list[Folder]:
        """The folders that hold images."""
        return [folder for folder in self.folders.values() if folder.images]

    def json_files(self, kind: str) -> list[Path]:
        """Return the JSON files of a kind, see :func:`json_kind`."""
        found = []
        for folder in self.folders.values():
            names = folder.files.get('.json', [])
            kinds = [json_kind(folder.path / name) for name in names[:PEEKED]]
            rest = names[PEEKED:]
            alike = len(set(kinds)) == 1
            kinds += [kinds[0] if alike else json_kind(folder.path / name) for name in rest]
            found += [folder.path / n for n, k in zip(names, kinds, strict=True) if k == kind]
        return found

    def table(self) -> str:
        """Return what was seen: how many files of each ending, and the first."""
        counts: Counter[str] = Counter()
        first: dict[str, Path] = {}
        for folder in self.folders.values():
            for ending, names in folder.files.items():
                counts[ending] += len(names)
                first.setdefault(ending, (folder.path / names[0]).relative_to(self.root))
        return ', '.join(
            f'{count} x {ending or "no ending"} ({first[ending]})'
            for ending, count in counts.most_common()
        )


def scan(root: Path) -> Scan:
    """List the files below a folder, without hidden ones; shows its progress when it takes long.

    Raises:
        UserError: The folder does not exist or holds no file.
    """
    if not root.is_dir():
        raise UserError(f'the folder {root} does not exist')
    folders: dict[Path, Folder] = {}
    for path, name in progress(_files(root), f'looking through {root}'):
        folder = folders.setdefault(path, Folder(path))
        folder.files.setdefault(os.path.splitext(name)[1].lower(), []).append(name)
    if not folders:
        raise UserError(f'the folder {root} holds no file: there is nothing to train on')
    return Scan(root, folders)


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    for path, below, names in os.walk(root, followlinks=True):
        below[:] = sorted(name for name in below if name[0] != '.')
        folder = Path(path)
        yield from ((folder, name) for name in sorted(names) if name[0] != '.')


def json_kind(path: Path) -> str:
    """Return ``'coco'``, ``'labelme'``, ``'panoptic'`` or ``''`` by the words in a file."""
    if not path.stat().st_size:
        return ''
    with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for kind, words in JSON_KINDS.items():
            if all(text.find(word) >= 0 for word in words):
                return kind
    return ''


def part_of(path: str | Path) -> str | None:
    """Return ``'train'``, ``'val'`` or ``'test'`` as the last word of a path says that has one.

    ``trainval`` is ``'train'``.
    """
    for word in reversed(Path(path).parts):
        small = word.lower().replace('trainval', 'train')
        for part, words in PARTS.items():
            if any(w in small for w in words):
                return part
    return None
