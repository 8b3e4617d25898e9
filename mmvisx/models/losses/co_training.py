"""The two terms between co-trained views as modules (001, chapter 3)."""

from __future__ import annotations

from mmpretrain.models.losses.utils import weight_reduce_loss
from torch import Tensor, nn

from mmvisx.ops.co_training import jensen_shannon_loss, view_difference_loss
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['JensenShannonLoss', 'ViewDifferenceLoss']


class _ViewLoss(nn.Module):
    """A loss between two views' scores, by its reduction and weight.

    Args:
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        loss_weight: Factor of the loss.
    """

    def __init__(self, reduction: str = 'mean', loss_weight: float = 1.0) -> None:
        super().__init__()
        if reduction not in ('none', 'mean', 'sum'):
            raise UserError(f"reduction={reduction!r} is not 'none', 'mean' or 'sum'")
        self.reduction = reduction
        self.loss_weight = loss_weight

    def _reduce(self, each: Tensor) -> Tensor:
        loss: Tensor = weight_reduce_loss(each, reduction=self.reduction)
        return self.loss_weight * loss


@MODELS.register_module()
class JensenShannonLoss(_ViewLoss):
    """How much two views disagree (001, Eq. 3.4).

    See :func:`mmvisx.ops.co_training.jensen_shannon_loss`.

    Args:
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        loss_weight: Factor of the loss.

    Source: 001, Eq. 3.4.
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the loss of scores ``(N, K)`` and ``(N, K)``."""
        return self._reduce(jensen_shannon_loss(first, second))


@MODELS.register_module()
class ViewDifferenceLoss(_ViewLoss):
    """How far a view falls for the other's adversarial examples (001, Eq. 3.5, one term).

    See :func:`mmvisx.ops.co_training.view_difference_loss`.

    Args:
        detach_target: Send no gradient into the clean scores.
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        loss_weight: Factor of the loss.

    Source: 001, Eq. 3.5.
    """

    def __init__(
        self, detach_target: bool = False, reduction: str = 'mean', loss_weight: float = 1.0
    ) -> None:
        super().__init__(reduction, loss_weight)
        self.detach_target = detach_target

    def forward(self, clean: Tensor, adversarial: Tensor) -> Tensor:
        """Return the loss of scores ``(N, K)`` and ``(N, K)``."""
        return self._reduce(view_difference_loss(clean, adversarial, self.detach_target))
