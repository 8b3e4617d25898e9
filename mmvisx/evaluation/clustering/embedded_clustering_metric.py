"""Scores of the clusters of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmvisx.registry import METRICS
from mmvisx.utils.errors import UserError

from .embedded_clustering_scores import cluster_scores

__all__ = ['ClusterMetric']


@METRICS.register_module()
class ClusterMetric(BaseMetric):
    """:func:`cluster_scores` of all points of a data set, and the sizes of the clusters.

    A sample is a batch: ``indices`` ``(N,)``, ``q`` ``(N, k)`` (soft assignments) or ``clusters``
    ``(N,)``, and ``labels`` ``(N,)`` where there are any. A point counts once, whatever a sampler
    repeats.

    ``acc``, ``nmi`` and ``ari`` are absent without labels. ``smallest`` and ``largest`` are the
    sizes of clusters as shares of the points, empty ones included where ``q`` says how many there
    are.

    Args:
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        UserError: Some points have labels and others have none.

    Source: 000, sections 3.4.2 and 3.5.5. The adjusted Rand index is not in the document.
    """

    default_prefix = 'clusters'

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the clusters and labels of the points."""
        for sample in data_samples:
            if 'q' in sample:
                q = sample['q'].cpu().numpy()
                clusters, size = q.argmax(axis=-1), q.shape[-1]
            else:
                clusters, size = sample['clusters'].cpu().numpy(), 0
            labels = sample['labels'].cpu().numpy() if 'labels' in sample else None
            self.results.append((sample['indices'].cpu().numpy(), clusters, labels, size))

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Return the scores of indices, clusters and labels, each ``(N,)`` or ``()``."""
        indices, clusters, labels, sizes = zip(*results, strict=True)
        points, first = np.unique(_joined(indices), return_index=True)
        found = _joined(clusters)[first]
        counts = np.bincount(found, minlength=max(sizes))
        print_log(f'points of each cluster: {", ".join(map(str, counts))}', 'current')
        unlabelled = sum(part is None for part in labels)
        scores: dict[str, float] = {}
        if not unlabelled:
            scores = cluster_scores(_joined(labels)[first], found)
        elif unlabelled < len(labels):
            raise UserError(
                f'{unlabelled} of {len(labels)} batches have no labels, the others have: label all '
                'points or none'
            )
        shares = counts / len(points)
        return scores | dict(smallest=float(shares.min()), largest=float(shares.max()))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.atleast_1d(part) for part in parts])
