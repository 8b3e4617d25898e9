"""How often points are right, over how surely they belong to their cluster."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmvisx.evaluation.clustering import match_clusters
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.embedded_clustering.charts import draw_reliability

from .points import AssignedPoints, known_labels

__all__ = ['ClusterReliability', 'Reliability', 'reliability_curve']


class Reliability(NamedTuple):
    """Confidence and accuracy of points in bins of equal width.

    Attributes:
        counts: Points of each bin, from low to high confidence.
        confidence: Their mean; ``None`` of an empty bin.
        accuracy: Share that is right; ``None`` of an empty bin.
        error: Expected calibration error: the mean distance of both, weighted by the counts.
        mean_confidence: Of all points.
        mean_accuracy: Of all points.
    """

    counts: list[int]
    confidence: list[float | None]
    accuracy: list[float | None]
    error: float
    mean_confidence: float
    mean_accuracy: float


def reliability_curve(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """Return how often points of each confidence are right.

    Args:
        confidence: From 0 to 1, ``(n,)``; the upper end of a bin belongs to it.
        right: Booleans, ``(n,)``.
        bins: Of equal width from 0 to 1.

    Raises:
        UserError: ``bins`` is below 1.
    """
    if bins < 1:
        raise UserError(f'bins={bins}: there is at least one')
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    place = np.searchsorted(edges, confidence.astype(np.float64), side='left')
    counts = np.bincount(place, minlength=bins)
    sure = np.bincount(place, confidence, bins) / np.maximum(counts, 1)
    hits = np.bincount(place, right, bins) / np.maximum(counts, 1)
    some = counts > 0
    return Reliability(
        counts.tolist(),
        [float(x) if there else None for x, there in zip(sure, some, strict=True)],
        [float(x) if there else None for x, there in zip(hits, some, strict=True)],
        float((counts * abs(sure - hits)).sum() / len(confidence)),
        float(confidence.mean()),
        float(right.mean()),
    )


@ANALYSES.register_module()
class ClusterReliability:
    """Compare the largest q of each point with how often its cluster is of its class.

    Clusters are of the class that the best matching gives them (Eq. 3.10); points of clusters that
    are left over are wrong.

    Args:
        bins: Of equal width from 0 to 1.

    Source: not in 000, whose 3.5.1 assumes that sure points are mostly right; curve and expected
    calibration error as usual for classifiers (Guo et al., 2017).
    """

    def __init__(self, bins: int = 10) -> None:
        self.bins = bins

    def measure(self, points: AssignedPoints) -> Reliability:
        """Return the curve.

        Raises:
            UserError: The points have no labels, or ``bins`` is below 1.
        """
        labels, clusters = known_labels(points, 'a reliability curve'), points.clusters
        matched = match_clusters(labels, clusters)
        right = labels == np.array([matched.get(k, -1) for k in range(points.q.shape[1])])[clusters]
        return reliability_curve(points.q.amax(dim=1).cpu().numpy(), right, self.bins)

    def draw(self, curve: Reliability, out: str | Path) -> Path:
        """Draw it over the numbers of points; the suffix of ``out`` gives the format.

        Raises:
            UserError: The suffix is unknown.
        """
        title = (
            f'mean q {curve.mean_confidence:.3f}, accuracy {curve.mean_accuracy:.3f}, '
            f'expected calibration error {curve.error:.3f}'
        )
        return draw_reliability(curve.counts, curve.confidence, curve.accuracy, title, out)
