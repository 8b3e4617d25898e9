"""The decoder of Panoptic-DeepLab: context, then finer features one by one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvisx.utils.errors import UserError

from .vip_deeplab_context import CascadeASPP

__all__ = ['PanopticDecoder', 'enlarge']


def enlarge(x: Tensor, size: Sequence[int]) -> Tensor:
    """Return maps ``(N, C, H, W)`` at ``size``, bilinear, corners on corners."""
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=True)


class PanopticDecoder(BaseModule):
    """Enlarge context to each finer map, and join both by a 5x5 depthwise separable convolution.

    Args:
        in_channels: Of the coarsest features.
        low_channels: Of the finer maps, from coarse to fine.
        projections: Channels that a 1x1 convolution leaves of each.
        channels: Of each joined map.
        context_channels: D of the pyramids.
        num_modules: Pyramids in a row, see :class:`CascadeASPP`.
        dense_input: See :class:`CascadeASPP`.
        dilations: See :class:`CascadeASPP`.
        norm_cfg: Config of the norms.

    Raises:
        UserError: as many ``projections`` as finer maps are needed.

    Source: 001, 7.3.1.2 and Figure 7-3.
    """

    def __init__(
        self,
        in_channels: int,
        low_channels: Sequence[int],
        projections: Sequence[int],
        channels: int,
        context_channels: int = 256,
        num_modules: int = 1,
        dense_input: bool = False,
        dilations: Sequence[int] = (3, 6, 9),
        norm_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        if len(projections) != len(low_channels):
            raise UserError(
                f'projections={tuple(projections)}: one for each of the {len(low_channels)} '
                'decoder_strides'
            )
        norm = norm_cfg or dict(type='BN')
        self.context = CascadeASPP(
            in_channels, num_modules, dense_input, context_channels, dilations, norm
        )
        self.channels = channels
        self.projects, self.fuses = nn.ModuleList(), nn.ModuleList()
        inputs = context_channels
        for low, projection in zip(low_channels, projections, strict=True):
            self.projects.append(ConvModule(low, projection, 1, norm_cfg=norm))
            self.fuses.append(
                DepthwiseSeparableConvModule(
                    inputs + projection, channels, 5, padding=2, norm_cfg=norm
                )
            )
            inputs = channels

    def forward(self, high: Tensor, lows: Sequence[Tensor]) -> Tensor:
        """Return ``(N, channels, h, w)`` at the size of the finest map.

        Args:
            high: The coarsest features, ``(N, C, H, W)``.
            lows: The finer maps, from coarse to fine, each ``(N, C_i, h_i, w_i)``.
        """
        x = self.context(high)
        for low, project, fuse in zip(lows, self.projects, self.fuses, strict=True):
            x = fuse(torch.cat([enlarge(x, low.shape[2:]), project(low)], dim=1))
        return x
