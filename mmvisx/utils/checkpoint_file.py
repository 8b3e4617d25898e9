"""Checkpoints as files: written without a second copy, compared with their checksums.

A checkpoint is a zip archive; its *records* are ``data.pkl``, which says what there is, and a file
for the values of each tensor.
"""

from __future__ import annotations

import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import UserError
from .files import writing

__all__ = ['Progress', 'check_intact', 'progress_of', 'write_checkpoint']

_intact: set[tuple[str, int, int, int]] = set()  # files whose checksums were compared


def write_checkpoint(content: Mapping[str, Any], path: str | Path) -> None:
    """Write a checkpoint at once or not at all; the tensors go straight into the file.

    Raises:
        UserError: there is no room, or the folder may not be written to.
    """
    needed = sum({t.data_ptr(): t.nbytes for t in _tensors(content)}.values())
    with writing(path, 'wb', needed) as file:
        torch.save(content, file)


def check_intact(path: str | Path) -> None:
    """Compare every record of a checkpoint with its CRC-32, which PyTorch does not.

    A file that this process has found intact is not read again until it changes. Files of PyTorch
    before 1.6, which are no archives, have no checksums and pass.

    Raises:
        UserError: A record is not what was written, or the archive is cut off; names it.
    """
    file = os.stat(path)
    key = (os.path.realpath(path), file.st_ino, file.st_size, file.st_mtime_ns)
    if key in _intact:
        return
    name = ''
    try:
        with zipfile.ZipFile(path) as archive:
            reader = torch._C.PyTorchFileReader(str(path))
            for record in archive.infolist():
                name = record.filename
                archive.open(record).close()  # the directory and the record's header agree
                # What PyTorch reads, which trusts the directory where zipfile does not.
                content = reader.get_record(name.partition('/')[2])
                if zlib.crc32(content) != record.CRC:
                    raise zipfile.BadZipFile(f'Bad CRC-32 for file {name!r}')
    # What is raised depends on which byte is wrong: of the record, its header, the directory.
    except (
        zipfile.BadZipFile,
        OSError,
        RuntimeError,
        ValueError,
        EOFError,
    ) as error:
        if not name and not _starts_as_archive(path):
            return
        what = f'record {name} is not what was written' if name else 'it is cut off'
        raise UserError(
            f'checkpoint {path} is cut off or damaged: {what} ({error}), as after an interrupted '
            'copy, a full disk or a fault of the disk. Copy it again or take an earlier one: '
            '--resume without a path finds the newest that is intact'
        ) from error
    _intact.add(key)


def _starts_as_archive(path: str | Path) -> bool:
    with open(path, 'rb') as file:
        return file.read(2) == b'PK'


@dataclass(frozen=True)
class Progress:
    """How far the training of a checkpoint has come.

    Attributes:
        epoch: Epochs done.
        iter: Iterations done.
        complete: Whether it holds the optimizer, without which no run can go on.
    """

    epoch: int
    iter: int
    complete: bool


def progress_of(path: str | Path) -> Progress | None:
    """Read how far a checkpoint's training had come, without its tensors and without any class.

    Returns:
        None when it does not say, as weights from elsewhere.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(n for n in archive.namelist() if n.endswith('/data.pkl'))
            with archive.open(name) as file:
                content = _Inert(file).load()
    # Anything may come out of a damaged pickle.
    except Exception as error:
        raise UserError(f'checkpoint {path} is cut off or damaged ({error})') from error
    meta = content.get('meta') if isinstance(content, dict) else None
    if not isinstance(meta, dict) or not isinstance(meta.get('iter'), int):
        return None
    return Progress(int(meta.get('epoch', 0)), meta['iter'], 'optimizer' in content)


class _Anything(dict):
    """Takes the place of every class and function that a checkpoint names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, *args: Any, **kwargs: Any) -> _Anything:
        return _Anything()

    def __setstate__(self, state: Any) -> None: ...

    def append(self, item: Any) -> None:
        """Drop what a list would get."""

    def extend(self, items: Any) -> None:
        """Drop what a list would get."""

    def add(self, item: Any) -> None:
        """Drop what a set would get."""

    __hash__ = object.__hash__  # type: ignore[assignment]


class _Inert(pickle.Unpickler):
    """Reads containers and numbers; imports and calls nothing."""

    def find_class(self, module: str, name: str) -> Any:
        return _Anything

    def persistent_load(self, pid: Any) -> Any:
        return None


def _tensors(content: Any) -> list[Tensor]:
    """Return the tensors in nested containers."""
    if isinstance(content, Tensor):
        return [content]
    if isinstance(content, Mapping):
        content = content.values()
    elif not isinstance(content, list | tuple):
        return []
    return [tensor for item in content for tensor in _tensors(item)]
