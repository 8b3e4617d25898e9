"""Stop at a class label that the classifier does not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['CheckLabelsHook', 'find_bad_label']


def find_bad_label(samples: Iterable[Any], num_classes: int) -> tuple[int, str] | None:
    """Return the first ``gt_label`` outside 0 to ``num_classes - 1`` and its image, or None."""
    labelled = [s for s in samples if getattr(s, 'gt_label', None) is not None]
    if not labelled or not _outside(torch.cat([s.gt_label for s in labelled]), num_classes):
        return None
    for sample in labelled:
        wrong = _outside(sample.gt_label, num_classes)
        if wrong:
            return wrong[0], str(getattr(sample, 'img_path', 'an image'))
    return None


def _outside(labels: Tensor, num_classes: int) -> list[int]:
    return labels[(labels < 0) | (labels >= num_classes)].tolist()


@HOOKS.register_module()
class CheckLabelsHook(Hook):
    """Raise an error that names the image whose label is not one of the head's classes.

    Without it a training ends in PyTorch's "Target 10 is out of bounds", on a GPU in a failed
    kernel that takes the whole process along, and a test counts the image as a wrong answer.

    The labels are looked at batch by batch, where the loader has left them, before they go to
    the device. Models whose ``head`` has no ``num_classes``, and samples without ``gt_label``,
    are not checked.

    Raises:
        UserError: at a label below 0 or not below ``head.num_classes``.
    """

    priority = 'VERY_HIGH'

    def _before_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, mode: str = 'train'
    ) -> None:
        head = getattr(unwrap(runner.model), 'head', None)
        classes = getattr(head, 'num_classes', None)
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
        if not isinstance(classes, int) or not isinstance(samples, list | tuple):
            return
        bad = find_bad_label(samples, classes)
        if bad is not None:
            raise UserError(
                f'label {bad[0]} of {bad[1]} ({mode} data) is outside 0 to {classes - 1}: '
                f'model.head.num_classes={classes}. Correct the label, or num_classes'
            )
