"""The U-Net that Stacked U-Nets repeat: down, up, and out in the size it came in."""

from __future__ import annotations

from typing import Any, cast

import torch
from mmcv.cnn import build_norm_layer
from torch import Tensor, nn

__all__ = ['PreActConv', 'UNetModule']


class PreActConv(nn.Module):
    """Norm, ReLU and a convolution with bias, in this order.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, odd.
        stride: 1, or 2 for half the size (rounded up) or, transposed, twice the size.
        dilation: Distance of the kernel's points.
        transposed: Whether the convolution is transposed.
        norm_cfg: Config of the norm layer; ``None``: batch norm with momentum 0.01.

    Source: 002, 4.1 and Table 4.1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        transposed: bool = False,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.norm = build_norm_layer(norm_cfg or dict(type='BN', momentum=0.01), in_channels)[1]
        self.relu = nn.ReLU(inplace=True)
        layer = nn.ConvTranspose2d if transposed else nn.Conv2d
        padding = dilation * (kernel_size - 1) // 2
        self.conv = layer(
            in_channels, out_channels, kernel_size, stride, padding, dilation=dilation
        )

    def forward(self, x: Tensor, size: torch.Size | None = None) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``.

        Args:
            x: The map.
            size: ``(H', W')`` of a transposed convolution's output.
        """
        x = self.activate(x)
        return self.conv(x) if size is None else self.conv(x, output_size=list(size))

    def activate(self, x: Tensor) -> Tensor:
        """Return what the convolution reads of ``(N, C, H, W)``."""
        return self.relu(self.norm(x))


class UNetModule(nn.Module):
    """A 1x1 convolution to few channels, a small U-Net, a 1x1 convolution back, and a shortcut.

    Each level goes down by two 3x3 convolutions, the first with stride 2, and up by a transposed
    one with stride 2 and a plain one. On the way up a level's input is concatenated with the map
    of that level of the way down; the map in front of the first level is not. Ten convolutions
    with two levels, six with one. Where the channels change, the shortcut is a 1x1 convolution
    that reads the normed and rectified input.

    A dilated U-Net keeps its size: every stride is 1, and the convolutions of level ``l`` (0, 1)
    have the dilations ``d``, ``2 d`` down and ``2 d``, ``d`` up, where ``d`` is
    ``dilation * 2 ** l``. A stride beside the dilation would read and write every second pixel
    only.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        channels: Channels inside (``N`` of Table 4.1).
        levels: How many times the U-Net goes down.
        dilation: 1: strides, as above. More: no strides, and the dilation of the first
            convolution.
        norm_cfg: Config of the norm layers.

    Source: 002, 4.1 and Table 4.1. The table leaves the inside open; it follows from the
    published numbers of parameters, with 64 and with 128 channels inside. Dilations: the
    published code of Shah et al. (2018).

    Differs from the document: every size works. A transposed convolution gives the size that
    the way down had there, where the original fits inputs of 512 pixels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: int,
        levels: int = 2,
        dilation: int = 1,
        norm_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        stride = 2 if dilation == 1 else 1
        self.reduce = PreActConv(in_channels, channels, 1, norm_cfg=norm_cfg)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for level in range(levels):
            near, far = _dilations(dilation, level)
            self.down.append(
                nn.Sequential(
                    PreActConv(channels, channels, 3, stride, near, norm_cfg=norm_cfg),
                    PreActConv(channels, channels, 3, 1, far, norm_cfg=norm_cfg),
                )
            )
        for level in reversed(range(levels)):
            near, far = _dilations(dilation, level)
            # The map of the deepest level has nothing to be concatenated with.
            entry = channels if level == levels - 1 else 2 * channels
            self.up.append(
                nn.ModuleList(
                    [
                        PreActConv(entry, channels, 3, stride, far, True, norm_cfg),
                        PreActConv(channels, channels, 3, 1, near, norm_cfg=norm_cfg),
                    ]
                )
            )
        self.expand = PreActConv(channels, out_channels, 1, norm_cfg=norm_cfg)
        changes = in_channels != out_channels
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        active = self.reduce.activate(x)
        rest = x if self.shortcut is None else self.shortcut(active)
        out = self.reduce.conv(active)
        sizes, skips = [], []
        for level in self.down:
            sizes.append(out.shape[2:])
            skips.append(out)
            out = level(out)
        for index, pair in enumerate(self.up):
            grow, refine = cast(nn.ModuleList, pair)
            entry = out if index == 0 else torch.cat([out, skips.pop()], 1)
            out = refine(grow(entry, sizes.pop()))
        return rest + self.expand(out)


def _dilations(dilation: int, level: int) -> tuple[int, int]:
    """Return those of the outer and the inner convolution of a level, on either way."""
    if dilation == 1:
        return 1, 1
    return dilation * 2**level, 2 * dilation * 2**level
