"""Label smoothing for the class losses of detection heads (000, 5.3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from mmdet.models.losses import CrossEntropyLoss, weight_reduce_loss
from mmdet.models.losses.cross_entropy_loss import binary_cross_entropy
from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .bag_of_tricks_label_smooth import smooth_labels

__all__ = [
    'SmoothedCrossEntropyLoss',
    'SmoothedSigmoidLoss',
    'sigmoid_targets',
    'smoothed_cross_entropy',
]

MODES = ('coded', 'printed')


def smoothed_cross_entropy(
    scores: Tensor,
    labels: Tensor,
    epsilon: float,
    smooth_background: bool = True,
    class_weight: Tensor | None = None,
    ignore_index: int = -100,
) -> Tensor:
    """Return ``-sum_i q'_i log p_i`` of every row, ``(N,)`` (Eqs. 5.1 to 5.3).

    Args:
        scores: Before the softmax, ``(N, K)``; the last class is the background.
        labels: ``(N,)``, 0 to K - 1.
        epsilon: In [0, 1].
        smooth_background: Smooth the targets of background rows, too.
        class_weight: ``(K,)``, factors of the terms of the sum.
        ignore_index: Rows with this label have the loss 0.
    """
    losses = F.cross_entropy(
        scores,
        labels,
        weight=class_weight,
        ignore_index=ignore_index,
        reduction='none',
        label_smoothing=epsilon,
    )
    if smooth_background:
        return losses
    hard = F.cross_entropy(
        scores, labels, weight=class_weight, ignore_index=ignore_index, reduction='none'
    )
    return torch.where(labels == scores.shape[1] - 1, hard, losses)


def sigmoid_targets(
    target: Tensor,
    mode: str = 'coded',
    value: float | None = None,
    smooth_background: bool = False,
) -> Tensor:
    """Smooth the targets of independent sigmoids, ``(..., K)`` of 0 and 1.

    ======= ======== ======== ======================== =============
    mode    positive negative value by default         source
    ======= ======== ======== ======================== =============
    coded   1 - d    d        d = min(1 / K, 1 / 40)   authors' code
    printed 1 - e + e/K  e/K  e = 0.1                  Eq. 5.3
    ======= ======== ======== ======================== =============

    Args:
        smooth_background: Smooth rows without a positive, too. In heads whose every anchor
            has a class term, like RetinaNet's, these are nearly all rows.
    """
    if mode == 'printed':
        smooth = smooth_labels(target, 0.1 if value is None else value, 'coded')
    else:
        delta = min(1 / target.shape[-1], 1 / 40) if value is None else value
        smooth = target * (1 - 2 * delta) + delta
    if smooth_background:
        return smooth
    return torch.where((target > 0).any(-1, keepdim=True), smooth, target)


@MODELS.register_module()
class SmoothedCrossEntropyLoss(CrossEntropyLoss):
    """Cross entropy with smoothed labels, for heads with a softmax (Faster R-CNN and kin).

    To be given as ``loss_cls``. The classes of Eq. 5.3 are the softmax's outputs, so the
    background of a RoI head is one of them: with 20 object classes K is 21, and background
    rows are smoothed like the others unless ``smooth_background`` is false. SSD's head calls
    a function instead of a loss and cannot be given one; with mmdet's ``FocalLoss`` there is
    no target to smooth.

    Args:
        label_smooth_val: Epsilon, in [0, 1]; 0 is mmdet's loss.
        smooth_background: Smooth the targets of background rows, too.
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        class_weight: K factors, of the terms of the sum over the classes.
        ignore_index: Rows with this label count nothing.
        loss_weight: Factor of the loss.
        avg_non_ignore: Divide by the rows that are not ignored.

    Raises:
        UserError: ``label_smooth_val`` is outside [0, 1].

    Source: 000, Eq. 5.3. (Eq. 2.4, for classification, spreads epsilon over K - 1 classes:
    :class:`mmvisx.models.losses.LabelSmoothLoss`.)
    """

    def __init__(
        self,
        label_smooth_val: float = 0.1,
        smooth_background: bool = True,
        reduction: str = 'mean',
        class_weight: Sequence[float] | None = None,
        ignore_index: int | None = None,
        loss_weight: float = 1.0,
        avg_non_ignore: bool = False,
    ) -> None:
        if not 0 <= label_smooth_val <= 1:
            raise UserError(f'label_smooth_val={label_smooth_val!r} should be from 0 to 1')
        super().__init__(
            reduction=reduction,
            class_weight=class_weight,
            ignore_index=ignore_index,
            loss_weight=loss_weight,
            avg_non_ignore=avg_non_ignore,
        )
        self.cls_criterion = partial(_softmax_criterion, label_smooth_val, smooth_background)


@MODELS.register_module()
class SmoothedSigmoidLoss(CrossEntropyLoss):
    """Binary cross entropy with smoothed targets, for heads with sigmoids (YOLOv3 and kin).

    To be given as ``loss_cls``; targets are one-hot rows, or class indices ``(N,)`` in which
    K is the background. :func:`sigmoid_targets` has the two forms.

    Args:
        mode: ``'coded'`` (1 - d and d, the authors' code) or ``'printed'`` (Eq. 5.3).
        label_smooth_val: d, in [0, 0.5], or epsilon, in [0, 1]; see :func:`sigmoid_targets`
            for the values by default.
        smooth_background: Smooth rows without a positive, too.
        use_sigmoid: Always true; heads of mmdet read it from the config.
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        class_weight: K factors of the positive terms.
        ignore_index: Class index that counts nothing.
        loss_weight: Factor of the loss.
        avg_non_ignore: Divide by the terms that are not ignored.

    Raises:
        UserError: ``mode`` is none of these, ``label_smooth_val`` is out of range, or
            ``use_sigmoid`` is false.

    Source: 000, 5.3.2, last paragraph. mmdet's ``YOLOV3Head(one_hot_smoother=e)`` is the
    printed form, for that head.
    """

    def __init__(
        self,
        mode: str = 'coded',
        label_smooth_val: float | None = None,
        smooth_background: bool = False,
        use_sigmoid: bool = True,
        reduction: str = 'mean',
        class_weight: Sequence[float] | None = None,
        ignore_index: int | None = None,
        loss_weight: float = 1.0,
        avg_non_ignore: bool = False,
    ) -> None:
        if mode not in MODES:
            raise UserError(f'mode={mode!r} is not one of {", ".join(map(repr, MODES))}')
        highest = 0.5 if mode == 'coded' else 1
        if label_smooth_val is not None and not 0 <= label_smooth_val <= highest:
            raise UserError(f'label_smooth_val={label_smooth_val!r} should be from 0 to {highest}')
        if not use_sigmoid:
            raise UserError('use_sigmoid=False: for a softmax take mmvisx.SmoothedCrossEntropyLoss')
        super().__init__(
            use_sigmoid=True,
            reduction=reduction,
            class_weight=class_weight,
            ignore_index=ignore_index,
            loss_weight=loss_weight,
            avg_non_ignore=avg_non_ignore,
        )
        smooth = partial(
            sigmoid_targets, mode=mode, value=label_smooth_val, smooth_background=smooth_background
        )
        self.cls_criterion = partial(_sigmoid_criterion, smooth)


def _softmax_criterion(
    epsilon: float,
    smooth_background: bool,
    scores: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    reduction: str,
    avg_factor: float | None,
    class_weight: Tensor | None,
    ignore_index: int | None,
    avg_non_ignore: bool,
) -> Tensor:
    """Do what mmdet's ``cross_entropy`` does, with smoothed targets."""
    ignore_index = -100 if ignore_index is None else ignore_index
    losses = smoothed_cross_entropy(
        scores, labels, epsilon, smooth_background, class_weight, ignore_index
    )
    if avg_factor is None and avg_non_ignore and reduction == 'mean':
        avg_factor = float((labels != ignore_index).sum())
    return weight_reduce_loss(
        losses, None if weight is None else weight.float(), reduction, avg_factor
    )


def _sigmoid_criterion(
    smooth: partial[Tensor],
    scores: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int | None = None,
    **options: float | Tensor | None,
) -> Tensor:
    """Make one-hot rows of class indices, smooth, and leave the rest to mmdet."""
    ignore_index = -100 if ignore_index is None else ignore_index
    if labels.ndim == scores.ndim:
        valid = (labels >= 0) & (labels != ignore_index)
        one_hot = labels.to(scores.dtype)
    else:
        classes = scores.shape[-1]
        valid = ((labels >= 0) & (labels != ignore_index))[:, None].expand(-1, classes)
        one_hot = F.one_hot(labels.clamp(0, classes), classes + 1)[:, :-1].to(scores.dtype)
        weight = None if weight is None else weight.reshape(len(labels), -1)
    # What is negative, mmdet leaves out.
    target = torch.where(valid, smooth(one_hot * valid), -1.0)
    return binary_cross_entropy(scores, target, weight, **options)
