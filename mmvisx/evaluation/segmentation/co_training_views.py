"""Mean IoU of co-trained segmentors: of each, their mean, their ensemble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmseg.evaluation import IoUMetric

from mmvisx.registry import METRICS

__all__ = ['ViewIoU']


@METRICS.register_module()
class ViewIoU(IoUMetric):
    """mmseg's mean IoU of the n views of a :class:`mmvisx.CoTrainingSegmentor`, in percent.

    ``'0'``, ``'1'`` ...: of each view; ``mean``: over the views, as the chapter reports its
    accuracy; ``ensemble``: of the mean probabilities. Each is of all pixels of all images.

    Args:
        **kwargs: Of mmseg's ``IoUMetric``, but for what writes files.

    Source: 001, Table 3-I, "averages of the single models"; of segmentors it is ours.
    """

    default_prefix = 'views'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of the views' maps and of their ensemble's."""
        for sample in data_samples:
            maps = [*sample['view_sem_seg']['data'], sample['pred_sem_seg']['data']]
            for each in maps:
                super().process(data_batch, [dict(sample, pred_sem_seg=dict(data=each))])
            self.results[-len(maps) :] = [tuple(self.results[-len(maps) :])]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return the mean IoU of each map of the images."""
        found = []
        for counts in zip(*results, strict=True):
            found.append(round(float(super().compute_metrics(list(counts))['mIoU']), 2))
        *views, ensemble = found
        each = {str(view): rate for view, rate in enumerate(views)}
        return each | dict(mean=float(np.mean(views)), ensemble=ensemble)
