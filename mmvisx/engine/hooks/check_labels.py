"""Stop at a class label that the classifier does not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError

from .check_finite_loss import _unwrap

__all__ = ['CheckLabelsHook', 'find_bad_label']


def find_bad_label(samples: Iterable[Any], num_classes: int) -> tuple[int, str] | None:
    """Return the first ``gt_label`` outside 0 to ``num_classes - 1`` and its image, or None."""
    for sample in samples:
        label = getattr(sample, 'gt_label', None)
        if label is None or not label.numel():
            continue
        low, high = int(label.min()), int(label.max())
        if low < 0 or high >= num_classes:
            return (low if low < 0 else high), str(getattr(sample, 'img_path', 'an image'))
    return None


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
        head = getattr(_unwrap(runner.model), 'head', None)
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
