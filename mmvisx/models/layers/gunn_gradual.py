"""Update the channels of a map segment by segment (GUNN), or all at once (SUNN)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['GraduallyUpdated', 'gradual_update', 'simultaneous_update']

UpdateFunction = Callable[[Tensor], Tensor]
MODES = ('gradual', 'simultaneous')


def gradual_update(x: Tensor, units: Sequence[UpdateFunction], residual: bool = True) -> Tensor:
    """Update equal segments of the channels one after the other (Eq. 4.4).

    Plain autograd keeps the whole map for every unit.

    Args:
        x: Features, ``(B, N, ...)``.
        units: ``P`` functions, ``(B, N, ...)`` to ``(B, N / P, ...)``. Unit ``i`` reads all
            channels, the segments before ``i`` already updated, and gives segment ``i``.
        residual: Add the output to the segment (Eq. 4.5) instead of replacing it.

    Returns:
        The updated features, of the shape and type of ``x``.
    """
    segments = list(split(x, len(units)))
    for index, unit in enumerate(units):
        out = run_unit(unit, torch.cat(segments, dim=1), segments[index].shape, index)
        segments[index] = (segments[index] + out if residual else out).to(x.dtype)
    return torch.cat(segments, dim=1)


def simultaneous_update(
    x: Tensor, units: Sequence[UpdateFunction], residual: bool = True
) -> Tensor:
    """Update all segments from the same input (Eq. 4.1); arguments of :func:`gradual_update`."""
    shape = split(x, len(units))[0].shape
    out = torch.cat([run_unit(unit, x, shape, i) for i, unit in enumerate(units)], dim=1)
    return (x + out if residual else out).to(x.dtype)


def split(x: Tensor, number: int) -> tuple[Tensor, ...]:
    """Cut the channels into equal segments, as views.

    Raises:
        UserError: They cannot be cut so.
    """
    if number < 1 or x.shape[1] % number:
        raise UserError(f'{x.shape[1]} channels cannot be cut into {number} equal segments')
    return x.split(x.shape[1] // number, dim=1)


def run_unit(unit: UpdateFunction, state: Tensor, shape: torch.Size, index: int) -> Tensor:
    """Return the unit's output for the features ``state``.

    Raises:
        UserError: It does not have the segment's shape, or the unit wrote into ``state``,
            which other units still have to read.
    """
    watched = not (torch.compiler.is_compiling() or torch.jit.is_tracing() or state.is_inference())
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


@MODELS.register_module()
class GraduallyUpdated(BaseModule):
    """Make an update of the channels gradual (GUNN), or keep it simultaneous (SUNN).

    Args:
        channels: ``N``, of the input and of the output.
        num_segments: ``P``: number of equal segments that the channels are cut into.
        unit: What computes the update of a segment: the config of a module that has the
            arguments ``in_channels`` (``N``) and ``out_channels`` (``N / P``), for example
            ``dict(type='Conv2d', kernel_size=3, padding=1)``, or a function of the two
            that returns the module. ``None``: :class:`BottleneckUpdate`.
        mode: 'gradual': a unit reads the segments before its own updated (Eq. 4.4);
            'simultaneous': all units read the input (Eq. 4.1).
        residual: Add the units' outputs to the segments (Eq. 4.5); ``False``: NoRes.
        init_cfg: See :class:`mmengine.model.BaseModule`.

    Raises:
        UserError: ``channels`` are not a multiple of ``num_segments``, ``num_segments`` is
            below 1, or ``mode`` is another word.

    Source: 001, 4.3 and 4.5.1.3. With ``num_segments=1`` both modes are the same.
    """

    def __init__(
        self,
        channels: int,
        num_segments: int,
        unit: dict | Callable[[int, int], nn.Module] | None = None,
        mode: str = 'gradual',
        residual: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for name, value in (('channels', channels), ('num_segments', num_segments)):
            if not isinstance(value, int) or value < 1:
                raise UserError(f'{name}={value!r} must be a whole number >= 1')
        if channels % num_segments:
            raise UserError(
                f'channels={channels} cannot be cut into num_segments={num_segments} equal '
                'segments: N must be a multiple of P'
            )
        if mode not in MODES:
            raise UserError(f'mode={mode!r} is not one of {MODES}')
        self.channels = channels
        self.mode = mode
        self.residual = residual
        unit = dict(type='mmvisx.BottleneckUpdate') if unit is None else unit
        width = channels // num_segments
        self.units = nn.ModuleList(_build(unit, channels, width) for _ in range(num_segments))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, N, H, W)`` to ``(B, N, H, W)``."""
        if x.shape[1] != self.channels:
            raise UserError(
                f'GraduallyUpdated has channels={self.channels}, its input {tuple(x.shape)} has '
                f'{x.shape[1]} channels'
            )
        update = simultaneous_update if self.mode == 'simultaneous' else gradual_update
        return update(x, tuple(self.units), self.residual)

    def extra_repr(self) -> str:
        """Name what the units do not show."""
        return f'channels={self.channels}, mode={self.mode!r}, residual={self.residual}'


def _build(unit: dict | Callable[[int, int], nn.Module], entry: int, width: int) -> nn.Module:
    if callable(unit):
        return unit(entry, width)
    return MODELS.build(dict(deepcopy(unit), in_channels=entry, out_channels=width))
