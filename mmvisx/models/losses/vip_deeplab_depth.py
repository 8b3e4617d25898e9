"""The loss of depth: how far proportions are off, and how far each pixel is."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmpretrain.models.losses.utils import weight_reduce_loss
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['DepthLoss', 'depth_loss']

SMALLEST = 1e-12  # below it the square root of the relative error has no gradient


def depth_loss(log_depth: Tensor, truth: Tensor) -> Tensor:
    r"""Return the loss of each image, ``(N,)``.

    .. math:: \frac1n \sum_i e_i^2 - \frac1{n^2} \Big(\sum_i e_i\Big)^2
        + \Big(\frac1n \sum_i \big(\tfrac{d_i - \hat d_i}{d_i}\big)^2\Big)^{1/2},
        \quad e_i = \log d_i - \log \hat d_i

    over the n pixels with known depth; 0 with a gradient of 0 where there is none.

    Args:
        log_depth: Logarithm of the predicted depth in metres, ``(N, H, W)``.
        truth: Metres, 0 where it is unknown, ``(N, H, W)``.

    Source: 001, Eq. 7.4, whose second term is the squared sum.
    """
    known = truth > 0
    count = known.sum(dim=(1, 2)).clamp(min=1)
    error = (truth.to(log_depth).where(known, 1.0).log() - log_depth).where(known, 0.0)
    mean = error.sum(dim=(1, 2)) / count
    # As the mean squared distance from the mean, which rounding cannot make negative.
    spread = (error - mean[:, None, None]).where(known, 0.0).square().sum(dim=(1, 2)) / count
    relative = torch.expm1(-error).square().sum(dim=(1, 2)) / count
    return spread + relative.clamp(min=SMALLEST).sqrt().where(relative > SMALLEST, 0.0)


@MODELS.register_module()
class DepthLoss(nn.Module):
    """Scale-invariant and relative error of the depth that logits stand for.

    The logarithm of ``max_depth * sigmoid(logit)`` (Eq. 7.3) is taken of the logit itself, so that
    a sigmoid that is 0 in floating point still has a finite loss and learns. Computed in single
    precision or better. See :func:`depth_loss`.

    Args:
        max_depth: What the depth stays below, metres.
        reduction: ``'none'``, ``'mean'`` or ``'sum'`` over the images.
        loss_weight: Factor of the loss.

    Raises:
        UserError: another reduction.

    Source: 001, Eq. 7.3 and 7.4.
    """

    def __init__(
        self, max_depth: float = 88.0, reduction: str = 'mean', loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        if reduction not in ('none', 'mean', 'sum'):
            raise UserError(f"reduction={reduction!r} is not 'none', 'mean' or 'sum'")
        self.max_depth = max_depth
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of logits ``(N, H, W)`` and true depth in metres, 0 where unknown."""
        if logits.dtype not in (torch.float32, torch.float64):
            logits = logits.float()
        each = depth_loss(math.log(self.max_depth) + F.logsigmoid(logits), truth)
        loss: Tensor = weight_reduce_loss(each, reduction=self.reduction)
        return self.loss_weight * loss
