"""A batch as plain data: what ``torch.load(file, weights_only=True)`` reads, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

__all__ = ['from_plain', 'to_plain']

_KIND = '__kind__'
_BOXES, _MASKS = 'mmdet.structures.bbox', 'mmdet.structures.mask'
# The classes that a batch may hold besides containers, tensors and numbers.
_CLASSES = {
    'DetDataSample': 'mmdet.structures:DetDataSample',
    'SegDataSample': 'mmseg.structures:SegDataSample',
    'DataSample': 'mmpretrain.structures:DataSample',
    'BaseDataElement': 'mmengine.structures:BaseDataElement',
    'InstanceData': 'mmengine.structures:InstanceData',
    'PixelData': 'mmengine.structures:PixelData',
    'LabelData': 'mmengine.structures:LabelData',
    'HorizontalBoxes': f'{_BOXES}:HorizontalBoxes',
    'BitmapMasks': f'{_MASKS}:BitmapMasks',
    'PolygonMasks': f'{_MASKS}:PolygonMasks',
}


def to_plain(value: Any) -> Any:
    """Return nested dicts, lists, tuples, tensors and numbers that stand for a batch.

    Raises:
        TypeError: It holds an object of a class that is not known here.
    """
    name = type(value).__name__
    if value is None or isinstance(value, bool | int | float | str):
        return value if type(value) in (type(None), bool, int, float, str) else _basic(value)
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, np.ndarray):
        return {_KIND: 'ndarray', 'values': torch.from_numpy(np.ascontiguousarray(value))}
    if isinstance(value, np.generic | Path):
        return _basic(value)
    if isinstance(value, Mapping):
        return {_KIND: 'dict', 'items': [(to_plain(k), to_plain(v)) for k, v in value.items()]}
    if isinstance(value, list):
        return [to_plain(item) for item in value]
    if isinstance(value, tuple):
        return tuple(to_plain(item) for item in value)
    if name not in _CLASSES:
        raise TypeError(f'a batch with {name} cannot be saved')
    if isinstance(value, BaseDataElement):
        content: tuple = (dict(value.metainfo_items()), dict(value.items()))
    elif name == 'HorizontalBoxes':
        content = (value.tensor,)
    else:
        content = (value.masks, value.height, value.width)
    return {_KIND: name, 'content': to_plain(content)}


def _basic(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str | Path):
        return str(value)
    return float(value) if isinstance(value, float) else int(value)  # of a class of its own


def from_plain(value: Any, device: torch.device | str = 'cpu') -> Any:
    """Return the batch again, its tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, list | tuple):
        return type(value)(from_plain(item, device) for item in value)
    if not isinstance(value, dict):
        return value
    kind = value[_KIND]
    if kind == 'ndarray':
        return value['values'].numpy()
    if kind == 'dict':
        return {from_plain(k): from_plain(v, device) for k, v in value['items']}
    cls = resolve_name(_CLASSES[kind])
    content = from_plain(value['content'], device)
    if not issubclass(cls, BaseDataElement):
        return cls(*content)
    meta, fields = content
    element = cls(metainfo=meta)
    for name, field in fields.items():
        element.set_field(field, name)
    return element
