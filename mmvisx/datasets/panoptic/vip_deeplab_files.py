"""Files of clips with classes, tracks and depth: names and encodings of their two layouts."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.structures import INSTANCE_OFFSET

from mmvisx.datasets.image_file import image_fault, read_image_bytes
from mmvisx.utils.errors import UserError

__all__ = ['LAYOUTS', 'VOID', 'find_clips', 'read_codes', 'read_depth']

VOID = 255
CITYSCAPES_VOIDS = (32, 255)  # published as 32000; 255000 does not fit into 16 bits
DEPTH_UNITS = 256.0  # of a metre
INVALID_DEPTH = 65535
LAYOUTS = {
    'cityscapes': ('_gtFine_instanceTrainIds.png',),
    'semkitti': ('_gtFine_class.png', '_gtFine_instance.png'),
}
_IMAGE = re.compile(r'(?P<clip>\d{6})_(?P<frame>\d{6})(_.*)?_leftImg8bit\.png')
_HINT = 'check data_root, data_prefix and layout of the data set'


def find_clips(
    folder: str, layout: str, with_depth: bool, names: Sequence[str] | None = None
) -> list[list[dict[str, Any]]]:
    """List the frames of every clip, in order.

    Args:
        folder: Holds the files of all clips.
        layout: One of :data:`LAYOUTS`.
        with_depth: Whether every frame must have a depth map.
        names: ``SSSSSS_FFFFFF`` of the frames to take, in order; by default all.

    Returns:
        For each frame ``img_path``, ``label_paths``, ``depth_path`` (None without), ``video_id``
        and ``frame_id``, counted from 0 in its clip.

    Raises:
        UserError: There is no frame, one has no map, is missing in its clip, or is out of order.
    """
    if not os.path.isdir(folder):
        raise UserError(f'the folder {folder} does not exist: {_HINT}')
    matches = (_IMAGE.fullmatch(name) for name in sorted(os.listdir(folder)))
    found = {(m['clip'], int(m['frame'])): m.string for m in matches if m}
    order = list(found) if names is None else [_listed(name, found, folder) for name in names]
    if not order:
        raise UserError(f'{folder} has no image SSSSSS_FFFFFF_..._leftImg8bit.png: {_HINT}')
    clips: dict[str, list[dict[str, Any]]] = {}
    before: dict[str, int] = {}
    for clip, frame in order:
        name = found[clip, frame]
        _check_order(folder, name, clip, frame, before.get(clip))
        before[clip] = frame
        frames = clips.setdefault(clip, [])
        paths = _maps(Path(folder) / name, layout, with_depth)
        frames.append(dict(paths, video_id=clip, frame_id=len(frames)))
    return list(clips.values())


def _listed(name: str, found: dict[tuple[str, int], str], folder: str) -> tuple[str, int]:
    clip, _, frame = name.partition('_')
    key = clip, int(frame) if frame.isdigit() else -1
    if key not in found:
        raise UserError(f'ann_file lists {name!r}, but {folder} has no {name}_..._leftImg8bit.png')
    return key


def _check_order(folder: str, name: str, clip: str, frame: int, before: int | None) -> None:
    if before is None or frame == before + 1:
        return
    if frame <= before:
        raise UserError(
            f'ann_file lists the frames of clip {clip} out of order: {frame:06d} after '
            f'{before:06d}; sort the list'
        )
    raise UserError(
        f'clip {clip} of {folder} has no frame {before + 1:06d}, which comes before {name}: add '
        'it, or give the frames behind the gap the number of another clip'
    )


def _maps(image: Path, layout: str, with_depth: bool) -> dict[str, Any]:
    stem = image.name[: -len('_leftImg8bit.png')]
    labels = [image.with_name(stem + ending) for ending in LAYOUTS[layout]]
    depth = None
    if with_depth:
        depths = sorted(
            path
            for ending in ('png', 'tiff')
            for path in image.parent.glob(f'{stem}_depth*.{ending}')
        )
        depth = depths[0] if depths else image.with_name(f'{stem}_depth.png')
    for path in (*labels, depth):
        if path is not None and not path.is_file():
            hint = ', or set with_depth=False' if path is depth else f' (layout={layout!r})'
            raise UserError(f'{path} does not exist, but {image.name} does: add it{hint}')
    return dict(
        img_path=str(image),
        label_paths=[str(path) for path in labels],
        depth_path=None if depth is None else str(depth),
    )


def _decode(path: str) -> np.ndarray:
    data = read_image_bytes(path, _HINT)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        fault = image_fault(data, decode=True) or 'cannot be decoded'
        raise UserError(f'{path} {fault}: replace the file')
    if image.ndim != 2:
        raise UserError(f'{path} has {image.shape[2]} channels, a map has one: replace the file')
    return image


def read_codes(
    paths: Sequence[str], layout: str, num_classes: int, thing_labels: Sequence[int]
) -> np.ndarray:
    """Read the segments of a frame, ``(H, W)`` int32: class + 1000 x id, void 255.

    Ids of stuff are dropped where they have a map of their own.

    Args:
        paths: Of its label maps.
        layout: One of :data:`LAYOUTS`.
        num_classes: Of the data set.
        thing_labels: Which classes are things.

    Raises:
        UserError: A map is missing or broken, has an unknown class or, with class x 1000 + id in
            one number, stuff with an id; or the maps differ in size.
    """
    first = _decode(paths[0]).astype(np.int32)
    if layout == 'cityscapes':
        classes, ids = np.divmod(first, 1000)
        classes[np.isin(classes, CITYSCAPES_VOIDS)] = VOID
    else:
        classes, ids = first, _decode(paths[1]).astype(np.int32)
        if ids.shape != classes.shape:
            raise UserError(f'{paths[1]} has {_size(ids)} pixels, {paths[0]} {_size(classes)}')
    spills = '' if layout == 'semkitti' else '; an id of 1000 or more would count as a class'
    unknown = np.unique(classes[(classes >= num_classes) & (classes != VOID)])
    if unknown.size:
        raise UserError(
            f'{paths[0]} has the class {unknown[0]}, there are {num_classes} and void{spills}: '
            'correct the map, or classes of metainfo'
        )
    stuff = ~np.isin(classes, thing_labels)
    if layout == 'cityscapes' and ids[stuff].any():
        row, column = np.argwhere(stuff & (ids > 0))[0]
        raise UserError(
            f'{paths[0]} has {first[row, column]} at row {row}, column {column}: class '
            f'{classes[row, column]} is stuff or void and has no ids{spills}. Correct the map, or '
            'thing_classes of metainfo'
        )
    codes: np.ndarray = classes + INSTANCE_OFFSET * np.where(stuff, 0, ids)
    return codes


def read_depth(path: str) -> np.ndarray:
    """Read depth in metres, ``(H, W)`` float32, 0 unknown: 16-bit PNG / 256, or float TIFF.

    Raises:
        UserError: It is missing or broken, has 8 bits, 65535, or is not finite or negative.
    """
    stored = _decode(path)
    if stored.dtype == np.float32:
        wrong = ~(np.isfinite(stored) & (stored >= 0))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise UserError(
                f'{path} has the depth {stored[row, column]} at row {row}, column {column}, and '
                f'{wrong.sum()} such pixels: write 0 where it is unknown'
            )
        return stored
    if stored.dtype != np.uint16:
        raise UserError(
            f'{path} has {stored.dtype.itemsize * 8} bits: depth x 256 needs 16; was it saved '
            'again by another program?'
        )
    if (stored == INVALID_DEPTH).any():
        raise UserError(
            f'{path} has the depth {INVALID_DEPTH} in {(stored == INVALID_DEPTH).sum()} pixels, '
            'more than 16 bits can hold: write 0 where it is unknown'
        )
    return (stored / DEPTH_UNITS).astype(np.float32)


def _size(array: np.ndarray) -> str:
    return f'{array.shape[1]}x{array.shape[0]}'
