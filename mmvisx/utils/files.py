"""Write files that are either what they were or what they shall be, whenever the process dies.

Vocabulary: the *temporary* of a file lies beside it, is called ``.{name}.{digits}.part``, and
takes its place when it is complete. A *leftover* is a temporary whose process died.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .errors import UserError

__all__ = ['explaining', 'remove_leftovers', 'write_json', 'write_text', 'writing']

_REMEDIES = {
    errno.ENOSPC: 'Make room on the disk or choose another folder',
    errno.EDQUOT: 'Make room within your quota or choose another folder',
    errno.EFBIG: 'Lift the limit on the size of files (ulimit -f)',
}


@contextmanager
def writing(path: str | Path, mode: str = 'w', needed: int | None = None) -> Iterator[IO[Any]]:
    """Open a file whose new content takes the place of the old one when the block ends.

    Until then, after an error and after the death of the process, ``path`` is what it was. When
    the block has ended, the content is on the disk and not only in the system's memory::

        with writing('work_dirs/mine/results.json') as file:
            json.dump(results, file)

    Every file of the package that somebody would miss is written like this. The thousands of
    images and labels of a data set that is made or converted may stay plain: they can be made
    again. Folders that are missing are created. What is no regular file (``/dev/stdout``, a pipe)
    is written as it is.

    Args:
        mode: ``'w'`` for text (UTF-8), ``'wb'`` for bytes.
        needed: size in bytes, if it is known before: for the message when there is no room.

    Raises:
        UserError: the file cannot be written (not permitted, disk or quota full);
            names the path and the bytes that are needed.
    """
    if mode not in ('w', 'wb'):
        raise ValueError(f"mode={mode!r} is not 'w' or 'wb'")
    path = Path(path)
    encoding = 'utf-8' if mode == 'w' else None
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open(mode, encoding=encoding) as special:
            yield special
        return
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f'.{target.name}.{secrets.token_hex(4)}.part')
    try:
        with suppress(FileExistsError):  # a file: said when the temporary is opened
            target.parent.mkdir(parents=True, exist_ok=True)
        raw = _Temporary(str(temporary), 'x')
    except OSError as error:
        raise UserError(_refusal(path, error, needed, 0)) from error
    stream: IO[Any] = io.BufferedWriter(raw)
    if mode == 'w':
        stream = io.TextIOWrapper(stream, encoding)
    try:
        with suppress(OSError):  # not every network file system has locks
            fcntl.lockf(raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield stream
        stream.flush()
        raw.commit(target)
    except BaseException as error:
        cause, written = raw.error, raw.written
        with suppress(OSError, ValueError):
            stream.close()
        with suppress(OSError):
            os.remove(temporary)
        if cause is None or isinstance(error, KeyboardInterrupt):
            raise
        raise UserError(_refusal(path, cause, needed, written)) from cause
    stream.close()


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) at once or not at all: see :func:`writing`."""
    content = text.encode()
    with writing(path, 'wb', len(content)) as file:
        file.write(content)


def write_json(path: str | Path, content: Any, indent: int | None = 2) -> None:
    """Write a JSON file at once or not at all: see :func:`writing`."""
    write_text(path, json.dumps(content, indent=indent) + '\n')


@contextmanager
def explaining(path: str | Path, needed: int | None = None) -> Iterator[None]:
    """Say of ``path`` that there is no room for what the block writes by other means.

    Raises:
        UserError: as :func:`writing`, when disk, quota or the limit of a file's size is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise UserError(_refusal(Path(error.filename or path), error, needed, 0)) from error


def remove_leftovers(folder: str | Path) -> list[str]:
    """Remove what processes that died while writing left in ``folder``; returns the names."""
    removed = []
    for path in sorted(Path(folder).glob('.*.part')):
        with suppress(OSError), path.open('r+b') as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its writer holds this
            path.unlink()
            removed.append(path.name)
    return removed


class _Temporary(io.FileIO):
    """Remembers why writing failed: ``torch.save`` hides an ``OSError`` behind one of its own."""

    error: OSError | None = None
    written = 0  # bytes

    def write(self, data: Any) -> int:
        try:
            count = super().write(data)
        except OSError as error:
            self.error = self.error or error
            raise
        self.written += count or 0
        return count

    def commit(self, target: Path) -> None:
        """Take the place of ``target``."""
        try:
            os.fsync(self.fileno())
            os.replace(str(self.name), target)
        except OSError as error:
            self.error = error
            raise
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    with suppress(OSError):  # some network file systems cannot
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _refusal(path: Path, error: OSError, needed: int | None, written: int) -> str:
    more = f'at least {written}' if written else 'more'
    size = more if needed is None else str(needed)
    room = ''
    with suppress(OSError):
        room = f', {shutil.disk_usage(path.absolute().parent).free} are free in its folder'
    remedy = _REMEDIES.get(error.errno or 0, 'Choose a folder that you may write to')
    return (
        f'{path} cannot be written ({error.strerror}): {size} bytes are needed{room}. '
        f'{remedy}; what was there before is unchanged'
    )
