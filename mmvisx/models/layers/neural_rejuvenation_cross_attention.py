"""A convolution with cross attention between survived and rejuvenated neurons."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .neural_rejuvenation_cross_removed import conv_settings, pick_channels

__all__ = ['CrossAttentionConv2d', 'cross_attention']


def cross_attention(own: Tensor, cross: Tensor) -> Tensor:
    """Return ``own + 2 * sigmoid(own) * cross``, the right-hand side of Eq. 5.9 and 5.10.

    Args:
        own: What neurons get from their own kind, ``(N, C, H, W)``.
        cross: What they get from the other kind, ``(N, C, H, W)``.
    """
    return own + 2 * torch.sigmoid(own) * cross


class CrossAttentionConv2d(nn.Module):
    """A convolution in which each kind of neurons attends to the other (Eq. 5.9 and 5.10).

    ``S_out = W_SS * S_in + 2 sigmoid(W_SS * S_in) (W_RS * R_in)`` and the same with S and R
    exchanged, with the weights of one dense convolution. After a further rejuvenation the whole
    layer so far is the new ``S``: its response is computed first and then attends to the
    latest generation. A generation of outputs that has no inputs of its own generation reads
    all older ones as in Eq. 5.5. A bias is added last.

    It is no ``nn.Conv2d``, as a batch normalisation behind it cannot be folded into its weight.

    Args:
        like: Convolution that gives kernel, stride, padding, dilation, and whether there is a
            bias; its groups are 1.
        in_index: Ascending input channels ``(N,)`` of each generation; inputs that belong to
            none, as those of a residual stream, count to the first.
        out_counts: Number of outputs of each generation, the oldest first.

    Source: 001, 5.3.3.3 (NR-CA).
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        like: nn.Module,
        in_index: Sequence[Tensor],
        out_counts: Sequence[int],
    ) -> None:
        super().__init__()
        self.in_channels = sum(index.numel() for index in in_index)
        self.out_channels = sum(out_counts)
        self.settings = conv_settings(like)
        self.in_index = [index.cpu() for index in in_index]
        self.out_counts = list(out_counts)
        shape = (self.out_channels, self.in_channels, *self.settings['kernel_size'])
        self.weight = nn.Parameter(torch.empty(shape))
        bias = nn.Parameter(torch.empty(self.out_channels)) if self.settings['bias'] else None
        self.register_parameter('bias', bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights as ``nn.Conv2d`` does."""
        if self.weight.numel():
            nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def _convolve(self, x: Tensor, columns: Tensor) -> Tensor | None:
        """Convolve some inputs for all outputs; None where there are none of either."""
        if not self.out_channels or not columns.numel():
            return None
        weight = pick_channels(self.weight, columns)
        x = pick_channels(x, columns)
        stride, padding, dilation = (self.settings[k] for k in ('stride', 'padding', 'dilation'))
        mode = self.settings['padding_mode']
        if mode == 'zeros':
            return F.conv2d(x, weight, None, stride, padding, dilation)
        vertical, horizontal = padding
        x = F.pad(x, (horizontal, horizontal, vertical, vertical), mode=mode)
        return F.conv2d(x, weight, None, stride, 0, dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, in_channels, H, W)`` to ``(N, out_channels, H', W')``."""
        # One convolution for each generation of inputs; its outputs are of all generations.
        responses = [self._convolve(x, index) for index in self.in_index]
        stop = self.out_counts[0]
        out = _rows(responses[0], 0, stop)
        for generation, count in enumerate(self.out_counts[1:], 1):
            end = stop + count
            older = [_rows(response, stop, end) for response in responses[:generation]]
            to_new = _sum([part for part in older if part is not None])
            new = responses[generation]
            seen = _attend(out, _rows(new, 0, stop))
            out = _join(seen, stop, _attend(_rows(new, stop, end), to_new), count)
            stop = end
        assert out is not None  # a layer has inputs
        return out if self.bias is None else out + self.bias[:, None, None]

    def extra_repr(self) -> str:
        """Numbers of channels."""
        return f'{self.in_channels}, {self.out_channels} ({self.out_counts})'


def _rows(response: Tensor | None, start: int, end: int) -> Tensor | None:
    """Return some outputs of a response; None where there are none."""
    return None if response is None or start == end else response[:, start:end]


def _sum(parts: Sequence[Tensor]) -> Tensor | None:
    return sum(parts[1:], start=parts[0]) if parts else None


def _attend(own: Tensor | None, cross: Tensor | None) -> Tensor | None:
    # 2 sigmoid(0) = 1: without inputs of their own kind, neurons take what the others give.
    if own is None or cross is None:
        return cross if own is None else own
    return cross_attention(own, cross)


def _join(older: Tensor | None, rows: int, new: Tensor | None, count: int) -> Tensor | None:
    """Put outputs of both kinds one behind the other; those without any input are zero."""
    like = older if older is not None else new
    if like is None:
        return None
    size = like.size(0), *like.shape[2:]
    parts = [
        part if part is not None else like.new_zeros(size[0], channels, *size[1:])
        for part, channels in ((older, rows), (new, count))
    ]
    return torch.cat(parts, 1)
