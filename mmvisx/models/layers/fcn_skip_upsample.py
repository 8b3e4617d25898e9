"""Upsampling that starts as bilinear interpolation and learns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvisx.utils.errors import UserError

__all__ = ['BilinearConvTranspose2d', 'bilinear_kernel']


def bilinear_kernel(scale: int) -> Tensor:
    """Return the weights by which bilinear upsampling spreads one value, ``(K, K)``.

    ``K`` is ``2 * scale``, less one where ``scale`` is odd.
    """
    side = 2 * scale - scale % 2
    distance = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    row = (1 - distance.abs() / scale).float()
    return row[:, None] * row


class BilinearConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose weights start as bilinear interpolation, each channel alone.

    At the start it equals ``F.interpolate(mode='bilinear', align_corners=False)``, at the
    borders as well: they are repeated once before, where a bare transposed convolution would
    see zeros.

    Args:
        channels: Channels of input and output.
        scale: How many times larger the output is, 2 or more.

    Raises:
        UserError: ``scale`` is not a whole number above 1.

    Source: 002, 4.2 ("upsampling is done by using transposed convolutional layer, which is
    learnable").
    """

    def __init__(self, channels: int, scale: int) -> None:
        if not isinstance(scale, int) or scale < 2:
            raise UserError(f'scale={scale!r} of BilinearConvTranspose2d must be 2 or more')
        side = 2 * scale - scale % 2
        super().__init__(
            channels, channels, side, stride=scale, padding=(side + scale) // 2, bias=False
        )

    def reset_parameters(self) -> None:
        """Set the weights to bilinear interpolation."""
        with torch.no_grad():
            self.weight.zero_()
            index = torch.arange(self.in_channels)
            kernel = bilinear_kernel(self.stride[0])
            self.weight[index, index] = kernel.to(self.weight)

    def init_weights(self) -> None:
        """Set the weights to bilinear interpolation; MMEngine's call."""
        self.reset_parameters()

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C, scale * H, scale * W)``."""
        return super().forward(F.pad(x, (1, 1, 1, 1), mode='replicate'), output_size)
