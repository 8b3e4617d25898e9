"""Stay on the CPU where mmcv's ops were built for it."""

from __future__ import annotations

import mmap
import os
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ['hide_gpu_without_ops']

# What the drivers of a CUDA GPU bring: on Linux, in containers, under Windows' Linux.
_DRIVERS = ('/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg')
_CUDA_LIBRARY = b'libc10_cuda'  # of torch; every extension built for CUDA is linked to it


def hide_gpu_without_ops() -> None:
    """Hide a GPU that mmcv's ops cannot use, which a detector would find out in its first NMS.

    To be called before torch or MMEngine are imported, which look for GPUs once. Does nothing
    where ``CUDA_VISIBLE_DEVICES`` is set: the user has chosen.
    """
    if 'CUDA_VISIBLE_DEVICES' in os.environ or not any(Path(p).exists() for p in _DRIVERS):
        return
    mmcv = find_spec('mmcv')
    folder = Path(mmcv.origin).parent if mmcv is not None and mmcv.origin else None
    ops = None if folder is None else next(folder.glob('_ext*'), None)
    if ops is None or _mentions(ops, _CUDA_LIBRARY):  # no ops at all: mmvisx env says so
        return
    os.environ['CUDA_VISIBLE_DEVICES'] = ''
    print(
        "note: mmcv's ops were built for the CPU only, so the GPU is not used; mmvisx env "
        'says how to build them (CUDA_VISIBLE_DEVICES=0 uses the GPU as far as it goes)',
        file=sys.stderr,
    )


def _mentions(path: Path, text: bytes) -> bool:
    with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text) >= 0
