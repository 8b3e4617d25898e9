"""A convolution without connections between survived and rejuvenated neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ['CrossRemovedConv2d', 'conv_settings', 'pick_channels']


def pick_channels(x: Tensor, index: Tensor) -> Tensor:
    """Return the channels ``index``, ascending, of ``(N, C, H, W)``; a view if neighbours."""
    count = index.numel()
    if count == x.size(1):
        return x
    first = int(index[0]) if count else 0
    if count == 0 or int(index[-1]) - first == count - 1:
        return x.narrow(1, first, count)
    return x.index_select(1, index.to(x.device))


def conv_settings(conv: nn.Module) -> dict[str, Any]:
    """Return kernel, stride, padding, dilation and bias of a convolution, mixed or not."""
    if not isinstance(conv, nn.Conv2d):
        settings: dict[str, Any] = conv.settings  # type: ignore[assignment]
        return settings
    keys = ('kernel_size', 'stride', 'padding', 'dilation', 'padding_mode')
    return dict({key: getattr(conv, key) for key in keys}, bias=conv.bias is not None)


class CrossRemovedConv2d(nn.Module):
    """Convolve each generation of neurons with inputs of its own (Eq. 5.6).

    ``S_out = W_SS * S_in`` and ``R_out = W_RR * R_in`` are two smaller convolutions, so that
    the removed connections cost neither weights nor time. After further rejuvenations there
    are more of them. A generation whose inputs have all died gives zeros.

    Args:
        like: Convolution that gives kernel, stride, padding, dilation, and whether there is a
            bias; its groups are 1.
        in_index: Ascending input channels ``(N,)`` that each generation of outputs reads.
        out_counts: Number of outputs of each generation, the oldest first.
        in_channels: Number of all inputs.

    Source: 001, 5.3.3.1 (NR-CR).
    """

    def __init__(
        self,
        like: nn.Module,
        in_index: Sequence[Tensor],
        out_counts: Sequence[int],
        in_channels: int,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = sum(out_counts)
        self.out_counts = list(out_counts)
        self.in_index = [index.cpu() for index in in_index]
        self.settings = conv_settings(like)
        self.blocks = nn.ModuleDict()
        for generation, (index, count) in enumerate(zip(in_index, out_counts, strict=True)):
            if count and index.numel():
                block = nn.Conv2d(index.numel(), count, **self.settings)
                self.blocks[str(generation)] = block

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``."""
        outs = {
            key: block(pick_channels(x, self.in_index[int(key)]))
            for key, block in self.blocks.items()
        }
        any_out = next(iter(outs.values()))
        parts = []
        for generation, count in enumerate(self.out_counts):
            part = outs.get(str(generation))
            if part is None and count:
                part = any_out.new_zeros(any_out.size(0), count, *any_out.shape[2:])
            if part is not None:
                parts.append(part)
        return torch.cat(parts, 1)

    def extra_repr(self) -> str:
        """Numbers of channels."""
        return f'{self.in_channels}, {self.out_channels} ({self.out_counts})'
