"""What the formats of data have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mmvisx.apis.init.scan import Scan
from mmvisx.datasets.detection.checks import Report
from mmvisx.datasets.image_file import image_fault
from mmvisx.utils.errors import UserError
from mmvisx.utils.progress import progress

__all__ = ['Format', 'Part', 'check_image_files', 'choose_parts']


@dataclass(frozen=True)
class Part:
    """Where the images of training or validation are.

    Attributes:
        images: Folder of the images.
        labels: What goes with them: an annotation file or a folder, as the format has it.
        listed: A file that names the images of the part; all by default.
        key: What ``labels`` calls the part.
    """

    images: Path
    labels: Path | None = None
    listed: Path | None = None
    key: str = ''


@dataclass
class Format(ABC):
    """Data that were recognised as of one format.

    Attributes:
        root: Folder that was looked through.
        parts: By name: ``'train'`` and, where there is one, ``'val'``.
        why: What they were recognised by, in a line.
        classes: Their names; ``()`` until :meth:`read_classes`.
    """

    root: Path
    parts: dict[str, Part]
    why: str
    classes: tuple[str, ...] = field(default=())

    name: ClassVar[str]
    task: ClassVar[str] = 'detection'
    # Faults that would end a training; of others it only makes less of the data.
    fatal: ClassVar[tuple[str, ...]] = (
        'missing image',
        'unreadable image',
        'size differs from the image',
        'duplicate id',
        'missing annotation file',
        'unreadable annotation file',
    )

    @classmethod
    @abstractmethod
    def find(cls, scan: Scan) -> Format | None:
        """Return the data of this format below a folder, None where there are none.

        Raises:
            UserError: There are some, but more than one way to read them, or none.
        """

    @abstractmethod
    def read_classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""

    def take_classes(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the classes that the user named, if the data can be read with them."""
        return names

    @abstractmethod
    def check(self, part: Part) -> Report:
        """Return the faults of a part."""

    @abstractmethod
    def names(self, part: Part) -> list[str]:
        """Return what each image of a part is called, its path below the folder of images."""

    @abstractmethod
    def write_part(self, part: Part, names: Sequence[str], stem: Path) -> Part:
        """Write a list of some of a part's images to ``stem`` with an ending; return the part."""

    @abstractmethod
    def arguments(self, part: Part) -> dict[str, Any]:
        """Return what its data set is built from: ``type`` and what is the format's own."""

    def strata(self, names: Sequence[str]) -> list[str]:
        """Return for each image what should be in both parts of a split; nothing by default."""
        return [''] * len(names)

    def below(self, path: Path) -> str:
        """Return a path as a config has it: below ``data_root`` where it is, else whole."""
        if path == self.root:
            return ''
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)


def choose_parts(found: dict[str, list[Any]], what: str) -> dict[str, Any]:
    """Return one candidate for ``'train'`` and one for ``'val'``, a test part in its place.

    Args:
        found: ``{'train', 'val', 'test' or '' where no name says it: candidates}``.
        what: What they are, for the message.

    Raises:
        UserError: There are several for one part, or none to train on.
    """
    train = found.get('train') or found.get('')
    val = found.get('val') or found.get('test')
    if not train:
        train, val = val, None
    for name, candidates in (('train', train), ('val', val)):
        if candidates and len(candidates) > 1:
            listed = ', '.join(map(str, candidates[:4]))
            raise UserError(
                f'{len(candidates)} {what} could be the {name} part: {listed}; pass one in the '
                'place of the folder, or a folder with one of them'
            )
    assert train is not None
    return {'train': train[0], **({'val': val[0]} if val else {})}


def check_image_files(paths: Sequence[Path]) -> Report:
    """Return which images cannot be decoded; shows its progress when it takes long."""
    report = Report(len(paths))
    for path in progress(paths, 'checking images'):
        fault = image_fault(path.read_bytes(), decode=True)
        if fault is not None:
            report.add('unreadable image', f'{path} {fault}')
    return report
