"""Switchable Atrous Convolution for inference: every weight computed once."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmvisx.utils.modules import mix_in

from .detectors_sac import SwitchableAtrousConv2d

if TYPE_CHECKING:
    from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ['FusedSwitchableAtrousConv2d', 'fuse_sac', 'scale_and_shift']


class FusedSwitchableAtrousConv2d(SwitchableAtrousConv2d):
    """A SAC whose weights are ready, with the batch normalisation behind it inside.

    Made by :func:`fuse_sac`. Computes what the two layers did in eval mode; it has
    nothing to train.

    Source: 001, Eq. 6.4; computing it once is not in the document.
    """

    weight_s: Tensor
    weight_l: Tensor
    around_weight: Tensor
    around_bias: Tensor

    def _branch_weights(self) -> tuple[Tensor, Tensor]:
        return self.weight_s, self.weight_l

    def _surroundings_conv(self) -> tuple[Tensor, Tensor]:
        return self.around_weight, self.around_bias


@torch.no_grad()
def fuse_sac(
    layer: SwitchableAtrousConv2d, norm: _BatchNorm | None = None
) -> FusedSwitchableAtrousConv2d:
    """Return the layer for inference, with ``norm`` (in eval mode) taken in.

    Both branches are linear in their weights, so the normalisation's factor goes into
    them, into the bias and into the last context, which reads the scaled output then.
    """
    weight_s, weight_l = layer._branch_weights()
    dtype = layer.weight.dtype
    around = layer._surroundings_conv() if layer.use_deform else None
    fused = copy.deepcopy(layer)
    mix_in(fused, FusedSwitchableAtrousConv2d)
    for name in ('weight', 'weight_diff', 'weight_gamma', 'weight_beta'):
        delattr(fused, name)
    fused.register_buffer('weight', layer.weight.new_empty(0), persistent=False)  # for its type
    if norm is not None:
        factor, shift = scale_and_shift(norm)
        # The last context reads the scaled output and has to know the factor; a channel that
        # is not there at all keeps a trace far below rounding.
        tiny = torch.full_like(factor, 1e-12)
        factor = torch.where(factor.abs() < 1e-12, tiny, factor)
        column = factor.view(-1, 1, 1, 1)
        weight_s, weight_l = weight_s * column, weight_l * column
        bias = None if layer.bias is None else layer.bias * factor
        if layer.global_context:
            post = fused.post_context
            post.weight.copy_(post.weight * column / factor.view(1, -1, 1, 1))
            post.bias.copy_(post.bias * factor + shift)  # type: ignore[union-attr,operator]
        else:
            bias = shift if bias is None else bias + shift
        fused.bias = None if bias is None else nn.Parameter(bias.to(dtype))
    fused.register_buffer('weight_s', weight_s.to(dtype))
    fused.register_buffer('weight_l', weight_l.to(dtype))
    if around is not None:
        fused.register_buffer('around_weight', around[0])
        fused.register_buffer('around_bias', around[1])
        del fused.switch, fused.offset_s, fused.offset_l
    return fused.requires_grad_(False)


def scale_and_shift(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Return what a batch normalisation in eval mode multiplies by and adds, ``(C,)`` each."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError('a batch normalisation without running statistics cannot be fused')
    scale = (variance + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias
