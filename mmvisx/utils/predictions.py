"""Predictions of every image in a file that holds data and nothing else.

A NumPy archive (``.npz``): the array ``12/pred_instances/bboxes`` is what the 13th image's sample
has as ``sample['pred_instances']['bboxes']``, and what is no array is JSON text.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .errors import UserError
from .files import writing

__all__ = ['SUFFIX', 'check_name', 'read_predictions', 'write_predictions']

SUFFIX = '.npz'


def check_name(path: str | Path) -> None:
    """Refuse a pickle, which runs what it brings along when it is read.

    Raises:
        UserError: It is one by its name.
    """
    if Path(path).suffix in ('.pkl', '.pickle'):
        raise UserError(
            f'{path}: predictions are no pickles any more, which can run anything when they are '
            f'read; write them anew with tools/test.py --out {Path(path).with_suffix(SUFFIX).name}'
        )


def write_predictions(path: str | Path, samples: Sequence[Mapping[str, Any]]) -> None:
    """Write what was predicted, at once or not at all.

    Args:
        samples: Of each image tensors, arrays, numbers, texts and lists, in nested dicts.

    Raises:
        UserError: It cannot be written.
    """
    arrays: dict[str, Any] = {
        key: value for k, item in enumerate(samples) for key, value in _leaves(item, f'{k}')
    }
    with writing(path, 'wb', sum(array.nbytes for array in arrays.values())) as file:
        np.savez(file, **arrays)


def _leaves(value: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f'{name}/{key}')
    elif isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        # NumPy has no bfloat16; float32 has all its values.
        yield name, (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    elif isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        yield name, value
    else:
        yield name, np.array(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode('latin-1')  # the counts of a mask's runs are ASCII
    if hasattr(value, 'tolist'):
        return value.tolist()
    return str(value)


def read_predictions(path: str | Path) -> list[dict[str, Any]]:
    """Return what :func:`write_predictions` has written, arrays as tensors.

    Raises:
        UserError: There is no such file, or it is of another kind.
    """
    check_name(path)
    samples: dict[int, dict[str, Any]] = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                number, *inner, last = name.split('/')
                place = samples.setdefault(int(number), {})
                for key in inner:
                    place = place.setdefault(key, {})
                place[last] = _value(archive[name])
    except FileNotFoundError as error:
        raise UserError(f'{path} does not exist') from error
    except (ValueError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise UserError(
            f'{path} is no file of predictions (tools/test.py --out x{SUFFIX}): {error}'
        ) from error
    return [samples[number] for number in sorted(samples)]


def _value(array: np.ndarray) -> Any:
    return json.loads(str(array)) if array.dtype.kind == 'U' else torch.from_numpy(array)
