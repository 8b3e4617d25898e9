"""Deformable convolution (v1) of torchvision behind the arguments of mmcv's compiled functions.

Both have the offsets in one order: for each deformable group and tap the vertical, then the
horizontal displacement in pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = [
    'deform_conv_backward_input',
    'deform_conv_backward_parameters',
    'deform_conv_forward',
]


def deform_conv_forward(
    x: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    **geometry: int,
) -> None:
    """Write the convolution of ``x`` at moved sampling positions into ``output``.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(O, C / group, kH, kW)``.
        offset: ``(N, 2 * deformable_group * kH * kW, h, w)`` in pixels of ``x``.
        output: ``(N, O, h, w)``.
        columns: A buffer of the compiled function; not used.
        ones: Another; not used.
        **geometry: ``kW kH dW dH padW padH dilationW dilationH group deformable_group``;
            ``im2col_step`` has no effect here.
    """
    output.copy_(
        torch.ops.torchvision.deform_conv2d(
            x, weight, offset, *_no_mask(x, weight), *_settings(**geometry)
        )
    )


def deform_conv_backward_input(
    x: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **geometry: int,
) -> None:
    """Write the gradients of ``x``, ``(N, C, H, W)``, and ``offset``; see the forward function."""
    grads = _backward(grad_output, x, weight, offset, **geometry)
    grad_input.copy_(grads[0])
    grad_offset.copy_(grads[2])


def deform_conv_backward_parameters(
    x: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    scale: float,
    **geometry: int,
) -> None:
    """Add ``scale`` times the gradient ``(O, C / group, kH, kW)`` to ``grad_weight``."""
    # The gradient of the weight does not depend on its values.
    grads = _backward(grad_output, x, torch.zeros_like(grad_weight), offset, **geometry)
    grad_weight.add_(grads[1], alpha=scale)


def _backward(
    grad: Tensor, x: Tensor, weight: Tensor, offset: Tensor, **geometry: int
) -> tuple[Tensor, ...]:
    """Return the gradients of x, weight, offset, mask and bias."""
    grads: tuple[Tensor, ...] = torch.ops.torchvision._deform_conv2d_backward(
        grad.contiguous(), x, weight, offset, *_no_mask(x, weight), *_settings(**geometry)
    )
    return grads


def _no_mask(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return what stands for no mask, and a bias of zero."""
    return x.new_zeros(x.shape[0], 1), x.new_zeros(weight.shape[0])


def _settings(
    *,
    kW: int,  # noqa: N803 - mmcv's names
    kH: int,  # noqa: N803
    dW: int,  # noqa: N803
    dH: int,  # noqa: N803
    padW: int,  # noqa: N803
    padH: int,  # noqa: N803
    dilationW: int,  # noqa: N803
    dilationH: int,  # noqa: N803
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> tuple[int | bool, ...]:
    """Put mmcv's settings into torchvision's order; the last says that there is no mask."""
    return dH, dW, padH, padW, dilationH, dilationW, group, deformable_group, False
