"""Weight the classes of the loss by how rare they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.datasets.classification.class_counts import class_weights, read_labels
from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['ClassWeightHook']


@HOOKS.register_module()
class ClassWeightHook(Hook):
    """Set ``class_weight`` of the head's loss from the training data's labels.

    For mmpretrain's ``CrossEntropyLoss`` and ``LabelSmoothLoss`` and for
    ``mmvisx.LabelSmoothLoss``; see
    :func:`~mmvisx.datasets.classification.class_counts.class_weights`.

    Args:
        power: 1 gives every class the same weight in the loss, 0 changes nothing.

    Raises:
        UserError: when training starts: the loss takes no class weights, a class has no image,
            or a label is not one of the head's classes.

    Source: 004, slide 62, "Use weight in loss function". For over- and under-sampling see
    ``mmvisx.ClassBalancedSampler``.
    """

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def before_train(self, runner: Runner) -> None:
        """Count and set."""
        head = getattr(unwrap(runner.model), 'head', None)
        loss = getattr(head, 'loss_module', None)
        target: Any = getattr(loss, 'ce', loss)  # label smoothing holds its cross entropy
        classes = getattr(head, 'num_classes', None)
        if classes is None or not hasattr(target, 'class_weight'):
            raise UserError(
                f'ClassWeightHook: model.head.loss ({type(loss).__name__}) takes no class weights; '
                'use CrossEntropyLoss or mmvisx.LabelSmoothLoss'
            )
        labels = read_labels(runner.train_dataloader.dataset)
        if labels.min() < 0 or labels.max() >= classes:
            raise UserError(
                f'ClassWeightHook: labels go from {labels.min()} to {labels.max()}, but '
                f'model.head.num_classes={classes}'
            )
        counts = np.bincount(labels, minlength=classes)
        weights = class_weights(counts, self.power).tolist()
        target.class_weight = weights
        listed = ', '.join(f'{w:.3g}' for w in weights[:10]) + (', ...' if classes > 10 else '')
        runner.logger.info(
            f'class weights from {counts.min()} to {counts.max()} images a class: {listed}'
        )
