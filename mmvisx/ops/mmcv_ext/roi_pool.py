"""RoIPool as mmcv counts its bins, which torchvision rounds otherwise."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ['roi_pool_backward', 'roi_pool_forward']


def roi_pool_forward(
    x: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Write the maximum of each bin into ``output``, 0 where a bin has no pixel.

    A region reaches from ``x1`` to ``x2 + 1`` in pixels of the image. It is not rounded: a
    bin has the pixels from the floor of its start to the ceiling of its end.

    Args:
        x: ``(B, C, H, W)``.
        rois: ``(R, 5)``: number of the image, x1 y1 x2 y2 in pixels of the image.
        output: ``(R, C, pooled_height, pooled_width)``.
        argmax: The same shape, integers: gets ``y * W + x`` of the maximum, -1 without one.
        pooled_height: Bins of a region along y.
        pooled_width: Bins of a region along x.
        spatial_scale: Pixels of ``x`` in a pixel of the image.
    """
    height, width = x.shape[-2:]
    output.zero_()
    argmax.fill_(-1)
    rows = _edges(rois[:, 2], rois[:, 4], pooled_height, spatial_scale, height)
    columns = _edges(rois[:, 1], rois[:, 3], pooled_width, spatial_scale, width)
    for region, image in enumerate(rois[:, 0].long().tolist()):
        for i, (top, bottom) in enumerate(rows[region]):
            for j, (left, right) in enumerate(columns[region]):
                if top >= bottom or left >= right:
                    continue
                part = x[image, :, top:bottom, left:right]
                value, place = part.flatten(1).max(dim=1)
                y, x_ = place // (right - left) + top, place % (right - left) + left
                output[region, :, i, j] = value
                argmax[region, :, i, j] = (y * width + x_).to(argmax.dtype)


def _edges(
    start: Tensor, end: Tensor, bins: int, spatial_scale: float, size: int
) -> list[list[tuple[int, int]]]:
    """Return first pixel and last + 1 of each bin of each region along one axis.

    A region that is nothing or less has empty bins.
    """
    low, high = start * spatial_scale, (end + 1) * spatial_scale
    step = (high - low) / bins
    number = torch.arange(bins, device=start.device, dtype=start.dtype)
    first = (number * step[:, None] + low[:, None]).floor().clamp(0, size).long()
    last = ((number + 1) * step[:, None] + low[:, None]).ceil().clamp(0, size).long()
    last = torch.where((high > low)[:, None], last, first)
    return [
        list(zip(f, e, strict=True)) for f, e in zip(first.tolist(), last.tolist(), strict=True)
    ]


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Add the gradient ``(R, C, h, w)`` of each maximum to its pixel of ``grad_input``."""
    batch, channels, height, width = grad_input.shape
    image = rois[:, 0].long().view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=argmax.device).view(1, -1, 1, 1)
    place = (image * channels + channel) * (height * width) + argmax.long()
    found = argmax >= 0
    flat = grad_input.view(batch * channels * height * width)
    flat.index_add_(0, place[found], grad_output[found])
