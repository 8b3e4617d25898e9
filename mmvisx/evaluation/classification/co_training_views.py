"""Accuracy of co-trained views: of each, their mean, their ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvisx.registry import METRICS

__all__ = ['ViewAccuracy', 'view_accuracy']


def view_accuracy(scores: np.ndarray, labels: np.ndarray, top: int = 1) -> dict[str, float]:
    """Return accuracies of n views in percent.

    Args:
        scores: Probabilities, ``(N, n, K)``; of equal ones the first class counts.
        labels: ``(N,)``.
        top: Above 1, also how often the label is among so many classes of a view.

    Returns:
        ``'0'``, ``'1'`` ...: of each view; ``mean``: over the views, what the chapter reports;
        ``ensemble``: of the mean probabilities; ``disagreement``: share of images that two views
        take for different classes, the mean over all pairs; ``mean_top5`` of ``top=5``: over the
        views.

    Source: 001, 3.3.1, "we only report the average performances of those models".
    """
    classes = scores.argmax(axis=2)
    each = 100 * (classes == labels[:, None]).mean(axis=0)
    apart = [(classes[:, i] != classes[:, j]).mean() for i, j in combinations(range(len(each)), 2)]
    found = {str(view): float(rate) for view, rate in enumerate(each)}
    if top > 1:
        of_label = np.take_along_axis(scores, labels[:, None, None], axis=2)
        found[f'mean_top{top}'] = float(100 * ((scores > of_label).sum(axis=2) < top).mean())
    return found | dict(
        mean=float(each.mean()),
        ensemble=float(100 * (scores.mean(axis=1).argmax(axis=1) == labels).mean()),
        disagreement=float(100 * np.mean(apart)),
    )


@METRICS.register_module()
class ViewAccuracy(BaseMetric):
    """:func:`view_accuracy` of a :class:`mmvisx.CoTrainingClassifier` over the test images.

    Args:
        top: Above 1, also how often the label is among so many classes of a view.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Source: 001, Table 3-I, "averages of the single models".
    """

    default_prefix = 'views'

    def __init__(self, top: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top = top

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the views' scores and the label of each image."""
        for sample in data_samples:
            scores = sample['view_scores'].cpu().numpy()
            self.results.append((scores, int(sample['gt_label'])))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Return what :func:`view_accuracy` does."""
        scores, labels = zip(*results, strict=True)
        return view_accuracy(np.stack(scores), np.array(labels), self.top)
