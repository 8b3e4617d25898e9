"""Update the channels of a map segment by segment, or all at once: the plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['gradual_update', 'run_unit', 'simultaneous_update', 'split_channels']

UpdateUnit = Callable[[Tensor], Tensor]


def gradual_update(x: Tensor, units: Sequence[UpdateUnit], residual: bool = True) -> Tensor:
    """Update equal segments of the channels one after the other (Eq. 4.4).

    Autograd keeps the whole map for every unit.

    Args:
        x: Features, ``(B, N, ...)``.
        units: ``P`` functions, ``(B, N, ...)`` to ``(B, N / P, ...)``. Unit ``i`` reads all
            channels, the segments before ``i`` already updated, and gives segment ``i``.
        residual: Add the output to the segment (Eq. 4.5) instead of putting it there.

    Returns:
        The updated features, of the shape and type of ``x``.

    Raises:
        UserError: See :func:`split_channels` and :func:`run_unit`.
    """
    segments = list(split_channels(x, len(units)))
    for index, unit in enumerate(units):
        out = run_unit(unit, torch.cat(segments, dim=1), segments[index].shape, index)
        segments[index] = (segments[index] + out if residual else out).to(x.dtype)
    return torch.cat(segments, dim=1)


def simultaneous_update(x: Tensor, units: Sequence[UpdateUnit], residual: bool = True) -> Tensor:
    """Update all segments from the same input ``(N, C, H, W)`` (Eq. 4.1).

    Arguments of :func:`gradual_update`.
    """
    shape = split_channels(x, len(units))[0].shape
    out = torch.cat([run_unit(unit, x, shape, i) for i, unit in enumerate(units)], dim=1)
    return (x + out if residual else out).to(x.dtype)


def split_channels(x: Tensor, number: int) -> tuple[Tensor, ...]:
    """Cut the channels of ``(N, C, H, W)`` into that many equal segments, as views.

    Raises:
        UserError: They cannot be cut so.
    """
    if number < 1 or x.shape[1] % number:
        raise UserError(f'{x.shape[1]} channels cannot be cut into {number} equal segments')
    return x.split(x.shape[1] // number, dim=1)


def run_unit(unit: UpdateUnit, state: Tensor, shape: torch.Size, index: int) -> Tensor:
    """Return the update of a segment of shape ``shape`` from features ``(N, C, H, W)``.

    Raises:
        UserError: The output has another shape, or the unit wrote into ``state``, which the
            other units still have to read.
    """
    watched = not (
        torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export() or state.is_inference()
    )
    version = state._version if watched else 0
    out = unit(state)
    if out.shape != shape:
        raise UserError(
            f'update unit {index} gives {tuple(out.shape)} where its segment has '
            f'{tuple(shape)}: it must keep the size of the map and give N / P channels'
        )
    if watched and state._version != version:
        raise UserError(
            f'update unit {index} changes its input in place, which the other units read: '
            'use inplace=False in its first layer'
        )
    return out
