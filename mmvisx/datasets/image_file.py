"""Tell whole image files from broken ones.

OpenCV's ``imread`` takes a truncated JPEG without an error and fills what is missing with
grey, and its ``imdecode``, which mmcv calls, gives None for any fault.
"""

from __future__ import annotations

import io
import struct

from mmengine.fileio import get
from PIL import Image, UnidentifiedImageError

from mmvisx.utils import UserError

# Start of the last part of a file and the mark that ends it, by how the file begins.
# Neither mark can occur inside compressed data.
_ENDINGS = {
    b'\xff\xd8': (b'\xff\xda', b'\xff\xd9'),
    b'\x89PNG': (b'IDAT', b'IEND'),
}
DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)


def image_fault(data: bytes, decode: bool = False) -> str | None:
    """What is wrong with an image file's content, or None.

    Args:
        decode: Decode the whole image. By default only a file without the end mark of
            its format is decoded, so that a whole one costs next to nothing.
    """
    if not data:
        return 'is an empty file'
    for start, (last_part, end) in _ENDINGS.items():
        if data.startswith(start) and data.rfind(end) > data.rfind(last_part) and not decode:
            return None
    if not decode and not any(data.startswith(start) for start in _ENDINGS):
        return None  # another format, which OpenCV refuses if it cannot read it
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except UnidentifiedImageError:
        return 'is no image'
    except DECODING_ERRORS as error:
        return f'is truncated or broken ({error or type(error).__name__})'
    return None


def read_image_bytes(path: str, hint: str, backend_args: dict | None = None) -> bytes:
    """Content of an image file.

    Args:
        hint: What to do when it is missing.

    Raises:
        UserError: It is missing, empty or broken off.
    """
    try:
        data = get(path, backend_args=backend_args)
    except OSError as error:
        reason = 'does not exist' if isinstance(error, FileNotFoundError) else f'({error})'
        raise UserError(f'image file {path} {reason}: {hint}') from error
    fault = image_fault(data)
    if fault is not None:
        raise UserError(
            f'image file {path} {fault}: replace the file or remove it from the annotations '
            '(tools/datasets/check_dataset.py lists all such files)'
        )
    return data
