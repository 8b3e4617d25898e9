"""Tell whole image files from broken ones.

OpenCV's ``imread`` takes a truncated JPEG without an error and fills what is missing with
grey, and its ``imdecode``, which mmcv calls, gives None for any fault.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mmcv
from mmengine.fileio import get
from PIL import ExifTags, Image, UnidentifiedImageError

from mmvisx.utils import UserError

# Start of the last part of a file and the mark that ends it, by how the file begins.
# Neither mark can occur inside compressed data.
_ENDINGS = {
    b'\xff\xd8': (b'\xff\xda', b'\xff\xd9'),
    b'\x89PNG': (b'IDAT', b'IEND'),
}
# Pillow refuses what has more than twice as many pixels by its header, which is 179 million.
if 'MMVISX_MAX_PIXELS' in os.environ:
    Image.MAX_IMAGE_PIXELS = int(float(os.environ['MMVISX_MAX_PIXELS'])) // 2
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
    if (fault := pixel_fault(data)) is not None:
        return fault
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


def pixel_fault(data: bytes) -> str | None:
    """Say that an image has too many pixels to be decoded, by its header, or return None.

    A file of a few kilobytes can ask for gigabytes of memory. The environment variable
    ``MMVISX_MAX_PIXELS`` sets another limit.
    """
    try:
        with Image.open(io.BytesIO(data)):
            return None
    except Image.DecompressionBombError as error:
        return f'has too many pixels ({error}); if it is meant: MMVISX_MAX_PIXELS=1e9, say'
    except DECODING_ERRORS:
        return None  # of another format, or broken


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height of an image file as training decodes it, read from its header.

    OpenCV turns JPEG and PNG files as their EXIF data say, and no WebP file; of a TIFF file
    Pillow gives the turned size by itself.
    """
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        return (height, width) if _is_turned(image) else (width, height)


def file_size(path: str | os.PathLike) -> tuple[int, int]:
    """Width and height of an image file as :func:`image_size`, without reading all of a JPEG.

    Raises:
        UserError: It is missing or no image.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            # Pillow decodes all of a PNG file to find its EXIF data.
            bare = image.format == 'PNG' and not _has_exif_chunk(path)
            turned = not bare and _is_turned(image)
    except UnidentifiedImageError:
        raise UserError(f'image file {path} is no image: replace or remove it') from None
    except DECODING_ERRORS as error:
        raise UserError(f'image file {path} cannot be read: {error}: replace it') from None
    return (height, width) if turned else (width, height)


def _has_exif_chunk(path: str | os.PathLike) -> bool:
    data = Path(path).read_bytes()
    return any(mark in data for mark in (b'eXIf', b'Raw profile type exif'))


def _is_turned(image: Image.Image) -> bool:
    quarter_turns = (5, 6, 7, 8)
    formats = ('JPEG', 'MPO', 'PNG')
    return image.format in formats and image.getexif().get(ExifTags.Base.Orientation) in (
        quarter_turns
    )


def size_fault(data: bytes, annotated: tuple[float, float], real: tuple[int, int]) -> str | None:
    """Say how the annotated size of an image differs from its real one, and why, or None.

    A turn by 180 degrees, or of a square image, does not change the size and is not seen.

    Args:
        data: Content of the image file, looked at only if the sizes differ.
        annotated: Width and height in the annotations.
        real: Width and height of the image as it is decoded.
    """
    if annotated == real:
        return None
    text = f'annotated {annotated[0]}x{annotated[1]}, is {real[0]}x{real[1]}'
    if annotated != real[::-1]:
        return f'{text} (width x height): the annotations are of another or a resized image'
    with Image.open(io.BytesIO(data)) as image:
        turned = _is_turned(image)
    if turned:
        return (
            f'{text} (width x height): its EXIF data turn it by 90 degrees. If the labels were '
            'drawn on the turned picture, exchange the annotated width and height; if not, load '
            "it unturned: LoadImageFromFile(color_type='color_ignore_orientation') in every "
            'pipeline'
        )
    return (
        f'{text} (width x height): width and height are exchanged in the annotations, or the '
        'image was turned after it was annotated'
    )


def vanishing(width: int, height: int, steps: Iterable[Any]) -> str | None:
    """Say which step of a pipeline scales an image to less than a pixel, or None.

    Args:
        width: Of the image.
        height: Of the image.
        steps: Transforms; those that keep the aspect ratio at a ``scale`` of their own count.
    """
    for step in steps:
        scale = getattr(step, 'scale', None)
        if not getattr(step, 'keep_ratio', False) or not isinstance(scale, tuple):
            continue
        if min(mmcv.rescale_size((max(width, 1), max(height, 1)), scale)) < 1:
            return (
                f'has {width}x{height} pixels (width x height), of which {type(step).__name__} to '
                f'scale={scale} leaves none on the shorter side: cut it up, remove it, or choose a '
                'larger scale'
            )
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
