"""The losses of classes, centres and offsets: means of an image, then over the batch.

Letters: N images, K classes, C values of a pixel, H and W the sides of an image.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmpretrain.models.losses.utils import weight_reduce_loss
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['HardestCrossEntropyLoss', 'hardest_cross_entropy', 'mean_of_images']


def hardest_cross_entropy(
    scores: Tensor,
    labels: Tensor,
    weight: Tensor | None = None,
    share: float = 0.2,
    ignore_index: int = 255,
) -> Tensor:
    """Return each image's mean over the pixels with the largest cross entropy, ``(N,)``.

    Args:
        scores: ``(N, K, H, W)``.
        labels: Classes ``(N, H, W)``.
        weight: Factor of each pixel's loss, ``(N, H, W)``; weighed losses are ranked.
        share: Of the labelled pixels of an image, above 0 to 1; one pixel at least. An image
            without a label has a loss of 0.
        ignore_index: Label of pixels without one.
    """
    losses = F.cross_entropy(scores, labels, ignore_index=ignore_index, reduction='none')
    if weight is not None:
        losses = losses * weight
    means = []
    for each, own in zip(losses, labels, strict=True):
        labelled = each[own != ignore_index]
        count = max(1, math.ceil(share * len(labelled)))
        means.append(labelled.topk(min(count, len(labelled))).values.sum() / count)
    return torch.stack(means)


def mean_of_images(losses: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the batch of each image's mean over its pixels, a number.

    Args:
        losses: ``(N, C, H, W)``; the values of a pixel are added.
        mask: Which pixels count, ``(N, 1, H, W)``. An image without one has a mean of 0.
    """
    total = losses.where(mask, 0.0).sum(dim=(1, 2, 3))
    return (total / mask.sum(dim=(1, 2, 3)).clamp(min=1)).mean()


@MODELS.register_module()
class HardestCrossEntropyLoss(nn.Module):
    """Cross entropy of the hardest pixels of each image.

    See :func:`hardest_cross_entropy`.

    Args:
        share: Of an image's labelled pixels, above 0 to 1.
        reduction: ``'none'``, ``'mean'`` or ``'sum'`` over the images.
        loss_weight: Factor of the loss.

    Raises:
        UserError: another reduction, a share outside (0, 1].

    Source: 001, 7.3.1.2, by the loss of Panoptic-DeepLab, on which the chapter builds.
    """

    def __init__(
        self, share: float = 0.2, reduction: str = 'mean', loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        if not 0 < share <= 1:
            raise UserError(f'share={share!r} of the hardest pixels must be above 0, at most 1')
        if reduction not in ('none', 'mean', 'sum'):
            raise UserError(f"reduction={reduction!r} is not 'none', 'mean' or 'sum'")
        self.share = share
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(self, scores: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the loss of scores ``(N, K, H, W)`` and labels ``(N, H, W)``."""
        each = hardest_cross_entropy(scores, labels, weight, self.share)
        loss: Tensor = weight_reduce_loss(each, reduction=self.reduction)
        return self.loss_weight * loss
