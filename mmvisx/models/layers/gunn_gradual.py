"""A layer that updates its channels segment by segment (GUNN), or all at once (SUNN)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvisx.ops.gunn.memory import gradual_update_in_place
from mmvisx.ops.gunn.update import gradual_update, simultaneous_update
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['GraduallyUpdated']

MODES = ('gradual', 'simultaneous')


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
        memory_efficient: Keep one map for the backward pass instead of one for each unit
            (:func:`gradual_update_in_place`). Of no effect on simultaneous updates, which
            have one map only, in graphs of ``torch.compile`` and ONNX, where the compiler
            decides what is kept, and in ``nn.DataParallel``. Hooks of the units' parts see
            two calls of each, the first without gradients.
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
        memory_efficient: bool = True,
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
        self.memory_efficient = memory_efficient
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
        units = tuple(self.units)
        if self.mode == 'simultaneous':
            return simultaneous_update(x, units, self.residual)
        plain = (
            not self.memory_efficient
            or torch.compiler.is_compiling()
            or torch.onnx.is_in_onnx_export()
            # nn.DataParallel: the units' weights are attributes there, not parameters.
            or getattr(self, '_is_replica', False)
        )
        update = gradual_update if plain else gradual_update_in_place
        return update(x, units, self.residual)

    def extra_repr(self) -> str:
        """Name what the units do not show."""
        return f'channels={self.channels}, mode={self.mode!r}, residual={self.residual}'


def _build(unit: dict | Callable[[int, int], nn.Module], entry: int, width: int) -> nn.Module:
    if callable(unit):
        return unit(entry, width)
    return MODELS.build(dict(deepcopy(unit), in_channels=entry, out_channels=width))
