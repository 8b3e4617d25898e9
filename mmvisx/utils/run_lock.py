"""One training in a work dir at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.logging import print_log

from .errors import UserError

__all__ = ['check_writable', 'only_run']

LOCK = '.running'  # who trains here; the system lets go of it with the process


@contextmanager
def only_run(folder: str | Path) -> Iterator[None]:
    """Keep other processes from training in ``folder`` until the block ends.

    The lock is one of the process (``fcntl``): it ends with it, however it dies, and is not handed
    on to loader workers that outlive it. Where a file system has no locks, a warning is logged.

    Raises:
        UserError: another process trains there; names it.
    """
    path = Path(folder) / LOCK
    with path.open('a+') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            file.seek(0)
            raise UserError(
                f'{folder} is the work dir of a training that is running '
                f'({file.read().strip()}): wait for its end, stop it, or give another --work-dir'
            ) from error
        except OSError as error:
            print_log(
                f'{folder} is on a file system without locks ({error.strerror}): nothing keeps a '
                'second training out of it',
                'current',
                logging.WARNING,
            )
        file.truncate(0)
        file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
        file.flush()
        yield


def check_writable(folder: str | Path) -> None:
    """Make a work dir, and see that files can be written into it.

    Raises:
        UserError: they cannot.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b'x')
    except OSError as error:
        raise UserError(
            f'work dir {folder} cannot be written to ({error.strerror}): give another --work-dir'
        ) from error
