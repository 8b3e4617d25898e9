"""Accuracy on large and few-shot classes among all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmvisx.registry import METRICS
from mmvisx.utils.errors import UserError

__all__ = ['JointAccuracy', 'class_ranks', 'joint_accuracy']


def class_ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many classes stand before the right one, ``(N,)``; 0 is top-1.

    Args:
        scores: ``(N, K)``; of equal ones the first class stands first.
        labels: The right classes, ``(N,)``.
    """
    right = np.take_along_axis(scores, labels[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    return ((scores > right) | ((scores == right) & earlier)).sum(axis=1)


def joint_accuracy(
    ranks: np.ndarray, labels: np.ndarray, num_large: int, topk: Sequence[int] = (1, 5)
) -> dict[str, float]:
    """Return top-k accuracy on large and on few classes in percent, and their harmonic mean.

    Args:
        ranks: Of the right class among all, ``(N,)`` (:func:`class_ranks`).
        labels: ``(N,)``; the first ``num_large`` classes are the large ones.
        num_large: Number of large classes.
        topk: The k.

    Returns:
        ``large/top1``, ``few/top1``, ``harmonic/top1`` and so on; without an image of a kind its
        entry and the harmonic mean are missing.

    Source: 001, Table 2-I. The harmonic mean is ours.
    """
    kinds = dict(large=labels < num_large, few=labels >= num_large)
    found: dict[str, float] = {}
    for k in topk:
        rates = {
            name: 100 * float((ranks[members] < k).mean())
            for name, members in kinds.items()
            if members.any()
        }
        found |= {f'{name}/top{k}': rate for name, rate in rates.items()}
        if len(rates) == 2:
            total = sum(rates.values())
            product = rates['large'] * rates['few']
            found[f'harmonic/top{k}'] = 2 * product / total if total else 0.0
    return found


@METRICS.register_module()
class JointAccuracy(BaseMetric):
    """:func:`joint_accuracy` of a classifier's scores over the test images.

    Args:
        num_large: Number of large classes, which stand first.
        topk: The k of top-k.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        UserError: ``num_large`` is below 1, or a k is.

    Source: 001, Table 2-I.
    """

    def __init__(self, num_large: int, topk: Sequence[int] = (1, 5), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_large < 1 or any(k < 1 for k in topk):
            raise UserError(
                f'num_large={num_large}, topk={topk} of JointAccuracy must be at least 1'
            )
        self.num_large, self.topk = num_large, topk

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the ranks of the images' classes: a sample is one image, or a batch of N."""
        for sample in data_samples:
            scores = np.atleast_2d(sample['pred_score'].cpu().numpy())
            labels = np.atleast_1d(sample['gt_label'].cpu().numpy())
            self.results.append((class_ranks(scores, labels), labels))

    def compute_metrics(self, results: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
        """Return :func:`joint_accuracy` over all images, of ranks ``(n,)`` and labels ``(n,)``."""
        ranks, labels = (np.concatenate(part) for part in zip(*results, strict=True))
        return joint_accuracy(ranks, labels, self.num_large, self.topk)
