"""PASCAL-Person-Part: six parts of persons, made from the finer parts of PASCAL-Part."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.io import loadmat

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .seg_checked import CheckedSegDataset

__all__ = ['PERSON_PARTS', 'PascalPersonPartDataset', 'person_parts']

PERSON_PARTS = (
    'background',
    'head',
    'torso',
    'upper arm',
    'lower arm',
    'upper leg',
    'lower leg',
)
_HEAD = ('head', 'hair', 'nose', 'mouth', *(s + p for s in 'lr' for p in ('eye', 'ear', 'ebrow')))
# PASCAL-Part's names; l and r are the sides of the person.
_GROUPS = {
    1: _HEAD,
    2: ('torso', 'neck'),
    3: ('luarm', 'ruarm'),
    4: ('llarm', 'rlarm', 'lhand', 'rhand'),
    5: ('luleg', 'ruleg'),
    6: ('llleg', 'rlleg', 'lfoot', 'rfoot'),
}
_LABELS = {name: label for label, names in _GROUPS.items() for name in names}


def person_parts(path: str | Path) -> np.ndarray | None:
    """Read the person parts of one annotation file of PASCAL-Part.

    Where masks overlap, the later object wins, and within an object the later part of the file.
    A person's pixels without a part stay background.

    Args:
        path: A ``.mat`` with ``anno``: ``objects`` with ``class``, ``mask`` and ``parts``.

    Returns:
        ``(H, W)`` uint8 with the labels of :data:`PERSON_PARTS`, or None without any such part.

    Raises:
        UserError: The file is no such annotation, or has a part of a person that is not known.
    """
    labels = None
    for name, parts in _persons(path):
        for part in parts:
            kind = str(part['part_name'].item())
            if kind not in _LABELS:
                raise UserError(
                    f'{path}: a {name} has a part {kind!r}, which is not one of PASCAL-Part: '
                    f'{", ".join(sorted(_LABELS))}'
                )
            mask = part['mask'].astype(bool)
            if labels is None:
                labels = np.zeros(mask.shape, np.uint8)
            labels[mask] = _LABELS[kind]
    return labels


def _persons(path: str | Path) -> list[tuple[str, Any]]:
    if not Path(path).is_file():
        raise UserError(f'annotation file {path} does not exist')
    try:
        objects = loadmat(path)['anno']['objects'].item().reshape(-1)
        found = [(str(o['class'].item()), o['parts'].reshape(-1)) for o in objects]
    except (KeyError, ValueError, TypeError, IndexError, OSError, NotImplementedError) as error:
        raise UserError(f'{path} is not an annotation of PASCAL-Part: {error}') from error
    return [(name, parts) for name, parts in found if name == 'person']


@DATASETS.register_module()
class PascalPersonPartDataset(CheckedSegDataset):
    """Head, torso, upper and lower arms and legs of persons, on images of PASCAL VOC.

    The PNGs of ``tools/datasets/pascal_part_to_person_part.py`` and of the original data set
    have the same labels.

    Source: 002, Table 3.2 (D3).
    """

    METAINFO: ClassVar[dict] = {
        'classes': PERSON_PARTS,
        'palette': [
            [0, 0, 0],
            [128, 0, 0],
            [0, 128, 0],
            [128, 128, 0],
            [0, 0, 128],
            [128, 0, 128],
            [0, 128, 128],
        ],
    }
