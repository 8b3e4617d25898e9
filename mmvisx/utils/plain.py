"""What checkpoints hold, in plain data: numbers, texts, tensors, and lists and dicts of them.

Those can be read without a class being looked for: by PyTorch's ``weights_only`` reader.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from .inert import StandIn, history

__all__ = ['plain', 'with_histories']

# What PyTorch's reader knows; subclasses become the class that they come from.
_SINGLE: Any = (bool, int, float, complex, str, bytes, type(None))
_KEPT = (torch.Tensor, torch.Size, torch.dtype, torch.device)


def plain(value: Any, name: str, odd: dict[str, str]) -> Any:
    """Return a value in plain data. Containers are copied, tensors are not.

    Args:
        value: Nested in any way.
        name: Of the value, for ``odd``.
        odd: Gets the class of each value that is none of the known ones and stays as it is, by
            its name.
    """
    if type(value) in _SINGLE or isinstance(value, _KEPT):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, HistoryBuffer):
        log, count = value.data
        return history(log, count, value.max_length)
    if isinstance(value, PurePath | StandIn):
        return str(value)
    if isinstance(value, Mapping):
        return _plain_mapping(value, name, odd)
    for kind in (list, tuple, set):
        if isinstance(value, kind):
            return kind(plain(item, f'{name}.{k}', odd) for k, item in enumerate(value))
    for base in _SINGLE[:-1]:
        if isinstance(value, base):
            return base(value)
    odd[name] = f'{type(value).__module__}.{type(value).__qualname__}'
    return value


def _plain_mapping(value: Mapping[Any, Any], name: str, odd: dict[str, str]) -> dict[Any, Any]:
    items = (
        (plain(key, f'{name}.{key}', odd), plain(item, f'{name}.{key}', odd))
        for key, item in value.items()
    )
    if not isinstance(value, OrderedDict):
        return dict(items)
    ordered = OrderedDict(items)
    vars(ordered).update(plain(vars(value), name, odd))  # versions of the layers
    return ordered


def with_histories(message_hub: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint's ``message_hub`` with the histories of the log as MMEngine has them."""
    scalars = message_hub.get('log_scalars', {})
    made = {
        name: _real_history(**value) if isinstance(value, dict) else value
        for name, value in scalars.items()
    }
    return {**message_hub, 'log_scalars': made}


def _real_history(
    log_history: torch.Tensor, count_history: torch.Tensor, max_length: int
) -> HistoryBuffer:
    return HistoryBuffer(log_history.cpu().numpy(), count_history.cpu().numpy(), max_length)
