"""Files from the internet, each compared with the SHA-256 that its name ends with."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urldefrag, urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log

from .errors import UserError

__all__ = ['download', 'sha256']

# As torchvision and OpenMMLab name their files: resnet50-0676ba61.pth.
_HASH = re.compile(r'-([0-9a-f]{8,64})\.\w+$')
_GIVEN = re.compile(r'sha256=([0-9a-f]{64})')


def download(url: str) -> Path:
    """Return where a file of the internet lies here, which is fetched if it does not yet.

    That is where PyTorch puts such files, under the last part of the address. Its SHA-256 must
    begin with the digits that end its name, or be the one of ``#sha256=...`` at the end of the
    address; without either a warning gives it.

    Raises:
        OSError: It cannot be fetched.
        UserError: It is another file.
    """
    address, given = urldefrag(url)
    target = Path(torch.hub.get_dir()) / 'checkpoints' / _name(address)
    if is_main_process():
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(address, str(target), progress=False)
        found, wanted = sha256(target), _wanted(target.name, given)
        if wanted is None:
            print_log(
                f'{address} has no SHA-256 in its name to be compared with; that of {target} is '
                f'{found}: append #sha256={found} to the address',
                'current',
                logging.WARNING,
            )
        elif not found.startswith(wanted):
            raise UserError(
                f'{target}, fetched from {address}, is not the file that was asked for: its '
                f'SHA-256 is {found}, not {wanted}: delete it and fetch it again'
            )
    barrier()
    return target


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(2**20):
            found.update(chunk)
    return found.hexdigest()


def _name(address: str) -> str:
    return PurePosixPath(urlparse(address).path).name


def _wanted(name: str, given: str) -> str | None:
    found = _GIVEN.fullmatch(given) or _HASH.search(name)
    return found.group(1) if found else None
