"""RoIAlign of torchvision behind the arguments of mmcv's compiled functions."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['roi_align_backward', 'roi_align_forward']

AVERAGE = 1


def roi_align_forward(
    x: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the mean of bilinear samples of each bin into ``output``.

    Args:
        x: ``(B, C, H, W)``.
        rois: ``(R, 5)``: number of the image, x1 y1 x2 y2 in pixels of the image.
        output: ``(R, C, aligned_height, aligned_width)``.
        argmax_y: Of the maximum's mode; not used.
        argmax_x: Of the maximum's mode; not used.
        aligned_height: Bins of a region along y.
        aligned_width: Bins of a region along x.
        spatial_scale: Pixels of ``x`` in a pixel of the image.
        sampling_ratio: Samples of a bin along a side; 0: as many as pixels.
        pool_mode: 1, the mean.
        aligned: Pixel centres are at halves.

    Raises:
        UserError: ``pool_mode`` is 0, the maximum, which only compiled ops have.
    """
    if pool_mode != AVERAGE:
        raise UserError(
            "RoIAlign with pool_mode='max' needs mmcv's compiled ops, which are not installed: "
            "take pool_mode='avg', or build them with 'make setup OPS=compiled'"
        )
    output.copy_(
        torch.ops.torchvision.roi_align(
            x, rois, spatial_scale, aligned_height, aligned_width, sampling_ratio, aligned
        )
    )


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the gradient ``(B, C, H, W)`` into ``grad_input``; see :func:`roi_align_forward`."""
    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            grad_output,
            rois,
            spatial_scale,
            aligned_height,
            aligned_width,
            *grad_input.shape,
            sampling_ratio,
            aligned,
        )
    )
