"""What ViP-DeepLab predicts of a decoder's features."""

from __future__ import annotations

from typing import Any

import torch
from mmcv.cnn import DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvisx.models.layers.vip_deeplab_decoder import enlarge
from mmvisx.utils.errors import UserError

__all__ = ['DepthHead', 'PixelHead']


class PixelHead(BaseModule):
    """A 5x5 depthwise separable convolution and a 1x1 one.

    Args:
        in_channels: Of the decoder.
        channels: Between both convolutions.
        out_channels: Values of each pixel: classes, 1 for centres, 2 for offsets.
        norm_cfg: Config of the norms.

    Source: 001, Figure 7-3.
    """

    def __init__(
        self, in_channels: int, channels: int, out_channels: int, norm_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg=dict(type='Normal', std=0.01, override=dict(name='predict')))
        norm = norm_cfg or dict(type='BN')
        self.conv = DepthwiseSeparableConvModule(in_channels, channels, 5, padding=2, norm_cfg=norm)
        self.predict = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(N, out_channels, h, w)`` of ``(N, C, h, w)``."""
        out: Tensor = self.predict(self.conv(x))
        return out


class DepthHead(PixelHead):
    """Depth in metres, from the semantic decoder's features at twice their size (Eq. 7.3).

    Args:
        in_channels: Of the semantic decoder.
        channels: Between both convolutions.
        max_depth: What the depth stays below, metres. 88 for KITTI.
        **kwargs: Of :class:`PixelHead`.

    Raises:
        UserError: ``max_depth`` is not above 0.

    Source: 001, Eq. 7.3.
    """

    def __init__(
        self, in_channels: int, channels: int = 64, max_depth: float = 88.0, **kwargs: Any
    ) -> None:
        if not max_depth > 0:
            raise UserError(f'max_depth={max_depth!r} must be above 0 metres')
        super().__init__(in_channels, channels, 1, **kwargs)
        self.max_depth = max_depth

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits f_d ``(N, 1, 2h, 2w)`` of ``(N, C, h, w)``."""
        height, width = x.shape[2:]
        return super().forward(enlarge(x, (2 * height, 2 * width)))

    def metres(self, logits: Tensor) -> Tensor:
        """Return the depth of logits ``(N, 1, H, W)`` or of any other shape."""
        return self.max_depth * torch.sigmoid(logits)
