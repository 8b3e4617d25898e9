"""Mean IoU and loss of one task of a segmentor with several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmseg.evaluation import IoUMetric

from mmvisx.registry import METRICS
from mmvisx.utils.errors import UserError

__all__ = ['TaskIoUMetric']


@METRICS.register_module()
class TaskIoUMetric(IoUMetric):
    """Mean IoU (002, Eq. 5.1) and mean cross-entropy over the labelled pixels of a data set.

    Pixels labelled 255 count nowhere, not in what is predicted either; the author's code counted
    them there. A class that neither labels nor predictions have is left out of the mean. The
    loss is ``val_loss`` in the result, summed over all pixels of all images before it is divided.

    Args:
        task: Read ``pred_sem_seg_{task}``, ``seg_logits_{task}`` and ``gt_sem_seg_{task}`` of
            the samples, and the classes of ``dataset_meta['tasks'][task]``; samples without the
            label map are left out. None reads mmseg's fields, of a segmentor with one task.
        labels: The data set's name of the labels, where it is not the task's: of the training
            images, say, which are evaluated beside held-out ones. Fields and classes are then
            ``gt_sem_seg_{labels}`` and ``dataset_meta['tasks'][labels]``.
        prefix: Before the names of the results; by default ``labels`` or the task.
        kwargs: As :class:`mmseg.evaluation.IoUMetric`.

    Raises:
        UserError: The data set has no such task, or no image of it.

    Source: 002, Eq. 5.1.
    """

    def __init__(
        self,
        task: str | None = None,
        labels: str | None = None,
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        labels = labels or task
        super().__init__(prefix=prefix or labels, **kwargs)
        self.task = task
        self.labels = labels
        self._suffix = '' if task is None else f'_{task}'
        self._truth = 'gt_sem_seg' if labels is None else f'gt_sem_seg_{labels}'

    @property
    def dataset_meta(self) -> dict | None:
        """Classes and palette of the task."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        """Take the classes and palette of the task."""
        self._dataset_meta: dict | None = dataset_meta
        if self.labels is not None:
            tasks = dataset_meta.get('tasks', {})
            if self.labels not in tasks:
                raise UserError(
                    f'TaskIoUMetric: the data set has no task {self.labels!r}; it has '
                    f'{", ".join(tasks) or "no tasks at all, use mmvisx.MultiTaskDataset"}'
                )
            self._dataset_meta = dict(dataset_meta, **tasks[self.labels])

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of the samples that are labelled for the task."""
        names = dict(pred_sem_seg=f'pred_sem_seg{self._suffix}', gt_sem_seg=self._truth)
        for sample in data_samples:
            if names['gt_sem_seg'] in sample or self.format_only:
                single = dict(sample, **{k: sample[n] for k, n in names.items() if n in sample})
                super().process(data_batch, [single])
                if not self.format_only:
                    self.results[-1] = (*self.results[-1], self._loss(sample))

    def _loss(self, sample: dict) -> tuple[float, int]:
        """Return the sum of the cross-entropy and the number of labelled pixels."""
        labels = sample[self._truth]['data']
        logits = sample[f'seg_logits{self._suffix}']['data'][None].float()
        loss = F.cross_entropy(
            logits, labels.to(logits.device), ignore_index=self.ignore_index, reduction='sum'
        )
        return float(loss), int((labels != self.ignore_index).sum())

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return ``mIoU``, ``aAcc`` and ``mAcc`` in percent, and ``val_loss``."""
        if self.format_only:
            return super().compute_metrics(results)
        if not results:
            raise UserError(
                f'TaskIoUMetric: no image of the data set has labels for the task {self.labels!r}'
            )
        metrics: dict[str, float] = super().compute_metrics([result[:4] for result in results])
        total, pixels = (sum(part) for part in zip(*(r[4] for r in results), strict=True))
        metrics['val_loss'] = total / max(pixels, 1)
        return metrics
