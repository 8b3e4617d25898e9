"""Deformable convolution (v1): mmcv's kernel on CUDA, ``grid_sample`` elsewhere."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmcv.ops import deform_conv2d as mmcv_deform_conv2d
from torch import Tensor
from torch.nn.modules.utils import _pair
from torch.utils.checkpoint import checkpoint

from mmvisx.utils.errors import UserError

__all__ = ['NonFiniteOffsetError', 'deform_conv2d']

IntPair = int | tuple[int, int]


class NonFiniteOffsetError(UserError):
    """The offsets of a deformable convolution hold NaN or infinity."""


def deform_conv2d(
    x: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
    groups: int = 1,
    layer_name: str = 'deform_conv2d',
) -> Tensor:
    """Convolve ``x`` at sampling positions moved by ``offset``.

    The value at a fractional position is the bilinear mean of its four neighbours;
    neighbours outside the map count as zero.

    Args:
        x: Features, ``(N, C, H, W)``.
        offset: ``(N, 2 * D * kh * kw, Ho, Wo)`` in pixels of ``x``: for each of the
            ``D`` deformable groups and each tap, row by row, first the vertical then
            the horizontal displacement.
        weight: ``(O, C / groups, kh, kw)``.
        stride: Stride of the sampling grid.
        padding: Zero padding on both sides.
        dilation: Spacing of the taps.
        groups: Number of channel groups of the convolution.
        layer_name: Names the layer in the error message.

    Returns:
        ``(N, O, Ho, Wo)``.

    Raises:
        NonFiniteOffsetError: An offset is NaN or infinite. mmcv's CPU kernel and its
            CUDA backward compute memory addresses from it, so it must never arrive.
            On CUDA the check waits for the device.
        ValueError: The shapes of ``offset`` and ``weight`` do not fit each other.
    """
    geometry = _pair(stride), _pair(padding), _pair(dilation)
    fault = _shape_fault(x, offset, weight, *geometry, groups)
    if fault is not None:
        raise ValueError(f'{layer_name}: {fault}')
    if not _tracing() and not torch.isfinite(offset).all():
        bad = int((~torch.isfinite(offset)).sum())
        raise NonFiniteOffsetError(
            f'{layer_name}: {bad} of {offset.numel()} sampling offsets are not finite. '
            'The training has diverged: lower the learning rate, lengthen the warm-up '
            'or clip the gradient, and resume from the last checkpoint.'
        )
    if not x.is_cuda:
        # torch.jit.trace cannot look into a checkpoint.
        if not torch.is_grad_enabled() or torch.jit.is_tracing():
            return _grid_sample_deform_conv2d(x, offset, weight, *geometry, groups)
        # The samples, as many maps as the kernel has taps, are drawn again in the backward
        # pass: keeping them would take more memory than the rest of the network.
        return checkpoint(
            _grid_sample_deform_conv2d,
            x,
            offset,
            weight,
            *geometry,
            groups,
            use_reentrant=False,
            preserve_rng_state=False,
        )
    deform_groups = offset.shape[1] // (2 * weight.shape[-2] * weight.shape[-1])
    # mmcv's kernel follows the offset's type; float32 as on the CPU.
    dtype = torch.promote_types(x.dtype, torch.float32)
    x, offset, weight = x.to(dtype), offset.to(dtype), weight.to(dtype)
    # mmcv wants the batch to be a multiple of its im2col step.
    step = math.gcd(x.shape[0], 32)
    return mmcv_deform_conv2d(x, offset, weight, *geometry, groups, deform_groups, False, step)


def _shape_fault(
    x: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> str | None:
    """Say what does not fit between the shapes, or None."""
    if x.dim() != 4 or offset.dim() != 4 or weight.dim() != 4:
        return f'x, offset, weight need 4 dimensions, got {x.shape, offset.shape, weight.shape}'
    kernel = weight.shape[-2:]
    taps = kernel[0] * kernel[1]
    size = tuple(
        (length + 2 * p - d * (k - 1) - 1) // s + 1
        for length, p, d, k, s in zip(x.shape[-2:], padding, dilation, kernel, stride, strict=True)
    )
    # No divmod: while torch.jit traces, sizes are tensors.
    deform_groups, rest = offset.shape[1] // (2 * taps), offset.shape[1] % (2 * taps)
    if rest or not deform_groups or x.shape[1] % deform_groups:
        return (
            f'offset has {offset.shape[1]} channels; this kernel needs a multiple of {2 * taps}: '
            f'one set for each deformable group, and {x.shape[1]} channels fall into such groups'
        )
    if (offset.shape[0], *offset.shape[2:]) != (x.shape[0], *size):
        return (
            f'offset has shape {tuple(offset.shape)}; the output of this convolution is '
            f'{size[0]}x{size[1]} for {x.shape[0]} images'
        )
    if weight.shape[1] * groups != x.shape[1] or weight.shape[0] % groups:
        return (
            f'weight has shape {tuple(weight.shape)}, which does not fit {x.shape[1]} channels '
            f'of x in {groups} groups'
        )
    return None


def _grid_sample_deform_conv2d(
    x: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Tensor:
    """Sample all taps with one ``grid_sample``, then one matrix product."""
    n, c, h, w = x.shape
    kh, kw = weight.shape[-2:]
    taps = kh * kw
    ho, wo = offset.shape[-2:]
    deform_groups = offset.shape[1] // (2 * taps)
    # Half precision cannot tell neighbouring pixels of a large map apart.
    dtype = torch.promote_types(x.dtype, torch.float32)
    grid = _sampling_grid(
        offset.to(dtype).reshape(n * deform_groups, taps, 2, ho, wo),
        (h, w),
        (kh, kw),
        stride,
        padding,
        dilation,
    )
    # grid_sample works on the batch in parallel: a small batch is cut along the channels.
    # A traced graph must not depend on this machine's threads.
    wanted = 1 if _tracing() else torch.get_num_threads() // n
    parts = deform_groups * _parts(c // deform_groups, wanted)
    grid = grid.view(n, deform_groups, 1, taps * ho * wo, 2)
    grid = grid.expand(-1, -1, parts // deform_groups, -1, -1)
    samples = F.grid_sample(
        x.to(dtype).reshape(n * parts, c // parts, h, w),
        grid.reshape(n * parts, taps, ho * wo, 2),
        mode='bilinear',
        padding_mode='zeros',
        align_corners=False,
    )
    samples = samples.reshape(n, groups, (c // groups) * taps, ho * wo)
    out = torch.matmul(weight.to(samples.dtype).reshape(groups, -1, (c // groups) * taps), samples)
    return out.reshape(n, -1, ho, wo)


def _tracing() -> bool:
    """Whether this call is recorded for torch.compile, torch.jit or ONNX."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing() or torch.onnx.is_in_onnx_export()


def _parts(channels: int, wanted: int) -> int:
    """Return the largest number up to ``wanted`` that divides the channels, at least 1."""
    return next((k for k in range(min(wanted, channels), 1, -1) if channels % k == 0), 1)


def _sampling_grid(
    offset: Tensor,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """Turn offsets ``(B, taps, 2, Ho, Wo)`` into positions ``(B, taps, Ho, Wo, 2)``.

    A pixel centre ``p`` of a side of ``size`` pixels is at ``(2p + 1) / size - 1``.
    Positions further out than one pixel see zeros only; they are clamped there, so
    that a huge offset cannot overflow an index.
    """
    ho, wo = offset.shape[-2:]
    axes = []
    for axis, length in enumerate((ho, wo)):
        steps = torch.arange(length, device=offset.device, dtype=offset.dtype)
        tap = torch.arange(kernel[axis], device=offset.device, dtype=offset.dtype)
        axes.append((steps * stride[axis] - padding[axis], tap * dilation[axis]))
    (rows, tap_rows), (cols, tap_cols) = axes
    base_y = tap_rows.repeat_interleave(kernel[1]).view(-1, 1, 1) + rows.view(1, -1, 1)
    base_x = tap_cols.repeat(kernel[0]).view(-1, 1, 1) + cols.view(1, 1, -1)
    y = (offset[:, :, 0] + base_y).clamp(-2, size[0] + 1)
    x = (offset[:, :, 1] + base_x).clamp(-2, size[1] + 1)
    return torch.stack(((2 * x + 1) / size[1] - 1, (2 * y + 1) / size[0] - 1), dim=-1)
