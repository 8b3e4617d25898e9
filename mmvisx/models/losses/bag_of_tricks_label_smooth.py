"""Label smoothing as the document prints it and as its authors code it (000, 2.5.2)."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.losses import LabelSmoothLoss as MMPretrainLabelSmoothLoss
from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['LabelSmoothLoss', 'check_labels', 'optimal_gap', 'smooth_labels']

MODES = ('printed', 'coded')


def smooth_labels(target: Tensor, epsilon: float, mode: str = 'printed') -> Tensor:
    """Smooth one-hot targets, or mixtures of them, ``(N, K)`` to ``(N, K)``.

    ======= ================= ============ ==========
    mode    true class        others       source
    ======= ================= ============ ==========
    printed 1 - eps           eps / (K-1)  Eq. 2.4
    coded   1 - eps + eps / K eps / K      their code
    ======= ================= ============ ==========

    Both are linear in the target, so a mixture of two labels (mixup) becomes the same mixture
    of the two smoothed labels. Rows that sum to one still do.

    Args:
        epsilon: In [0, 1].
        mode: ``'printed'`` or ``'coded'``.
    """
    classes = target.shape[-1]
    if mode == 'coded':
        return target * (1 - epsilon) + epsilon / classes
    return target * (1 - epsilon) + (1 - target) * epsilon / (classes - 1)


def optimal_gap(epsilon: float, num_classes: int, mode: str = 'printed') -> float:
    """Return by how much the best score of the true class exceeds the others (Eq. 2.5).

    In the printed form it is ``log((K-1)(1-eps)/eps)``, in the coded one
    ``log((K(1-eps)+eps)/eps)``; infinite at ``epsilon=0``.

    Raises:
        UserError: ``epsilon`` is outside [0, 1] or there are fewer than 2 classes.
    """
    _check(epsilon, mode)
    if num_classes < 2:
        raise UserError(f'num_classes={num_classes} should be at least 2')
    true = smooth_labels(torch.eye(num_classes, dtype=torch.float64)[0], epsilon, mode)
    high, low = true[0].item(), true[1].item()
    if low == 0:
        return math.inf
    return math.log(high / low) if high else -math.inf


def check_labels(labels: Tensor, num_classes: int) -> None:
    """Raise a :class:`UserError` for class indices ``(N,)`` outside 0 to ``num_classes - 1``."""
    if labels.numel() == 0:
        return
    low, high = (int(v) for v in torch.aminmax(labels))
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise UserError(
            f'label {bad} is outside 0 to {num_classes - 1}: the model has num_classes='
            f'{num_classes}. Correct the annotations, or set num_classes of the head'
        )


def _check(epsilon: float, mode: str) -> None:
    if mode not in MODES:
        raise UserError(f'mode={mode!r} is not one of {", ".join(map(repr, MODES))}')
    if not 0 <= epsilon <= 1:
        raise UserError(f'label_smooth_val={epsilon!r} should be from 0 to 1')


@MODELS.register_module()
class LabelSmoothLoss(MMPretrainLabelSmoothLoss):
    """Cross entropy with smoothed labels.

    Takes class indices ``(N,)``, one-hot rows or mixtures of them ``(N, K)``, as mixup makes
    them; see :func:`smooth_labels` for the targets and :func:`optimal_gap` for the scores that
    they ask for.

    Args:
        label_smooth_val: Epsilon, in [0, 1].
        num_classes: K; by default the width of the scores.
        mode: ``'printed'`` (Eq. 2.4) or ``'coded'`` (the authors' code).
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        loss_weight: Factor of the loss.
        class_weight: K factors, of the terms of the sum over the classes.

    Raises:
        UserError: epsilon or mode is none of these, or a label is outside 0 to K - 1.

    Source: 000, Eq. 2.4. The printed form is the default because Eq. 2.5 holds for it only.

    Differs from the document: Eq. 2.3 prints ``-sum(q log p)`` with the prediction as ``q``;
    the cross entropy is ``-sum(p log q)``.

    Differs from mmpretrain's class of the same name: its mode ``'original'`` is ``'coded'``
    here, and it has no form that is Eq. 2.4. Its ``'classy_vision'`` is the coded form with
    ``eps / (1 + eps)`` in the place of eps.
    """

    def __init__(
        self,
        label_smooth_val: float = 0.1,
        num_classes: int | None = None,
        mode: str = 'printed',
        reduction: str = 'mean',
        loss_weight: float = 1.0,
        class_weight: list[float] | None = None,
    ) -> None:
        _check(label_smooth_val, mode)
        if reduction not in ('none', 'mean', 'sum'):
            raise UserError(f"reduction={reduction!r} is not 'none', 'mean' or 'sum'")
        # The base class takes no epsilon of 1 and none that is an int.
        super().__init__(
            0.0,
            num_classes=num_classes,
            reduction=reduction,
            loss_weight=loss_weight,
            class_weight=class_weight,
        )
        self.label_smooth_val = float(label_smooth_val)
        self.mode = mode

    def generate_one_hot_like_label(self, label: Tensor) -> Tensor:
        """Return rows ``(N, K)``, float, of indices ``(N,)`` or ``(N, 1)``, or of rows."""
        if label.dim() == 1 or (label.dim() == 2 and label.shape[1] == 1):
            label = label.reshape(-1).long()
            check_labels(label, self.num_classes)
            label = F.one_hot(label, self.num_classes)
        return label.float()

    def original_smooth_label(self, one_hot_like_label: Tensor) -> Tensor:
        """Smooth; the base class calls this between the labels and the cross entropy."""
        return smooth_labels(one_hot_like_label, self.label_smooth_val, self.mode)

    def forward(self, cls_score: Tensor, label: Tensor, **kwargs: Any) -> Tensor:
        """Return the loss.

        Args:
            cls_score: Scores before the softmax, ``(N, K)``.
            label: ``(N,)`` indices or ``(N, K)`` rows.
            **kwargs: ``weight`` ``(N,)``, ``avg_factor``, ``reduction_override``.
        """
        classes = cls_score.shape[1]
        if self.num_classes not in (None, classes):
            raise UserError(
                f'num_classes={self.num_classes} of the loss, but the scores have {classes} classes'
            )
        return super().forward(cls_score, label, **kwargs)
