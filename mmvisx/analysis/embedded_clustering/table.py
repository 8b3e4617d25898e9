"""Which classes the points of each cluster are of."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmvisx.evaluation.clustering import contingency, match_clusters
from mmvisx.registry import ANALYSES
from mmvisx.visualization.embedded_clustering.charts import draw_table

from .points import AssignedPoints, known_labels

__all__ = ['ClassTable', 'ClusterTable', 'matched_order']


class ClassTable(NamedTuple):
    """Points of each class in each cluster, the clusters in the order of their classes.

    Attributes:
        clusters: Their numbers, from the row on top.
        classes: Names, from the left.
        counts: ``(k, c)``.
        accuracy: Eq. 3.10.
    """

    clusters: list[int]
    classes: list[str]
    counts: np.ndarray
    accuracy: float


def matched_order(labels: np.ndarray, clusters: np.ndarray, number: int) -> list[int]:
    """Return the clusters in the order of the classes that they are matched with.

    Those that are left over come last, in their own order.

    Args:
        labels: Classes, ``(n,)``.
        clusters: ``(n,)``.
        number: k; clusters may be empty.

    Source: 000, Eq. 3.10, m.
    """
    matched = match_clusters(labels, clusters)
    return sorted(range(number), key=lambda k: (matched.get(k, np.inf), k))


@ANALYSES.register_module()
class ClusterTable:
    """Clusters by classes, matched ones on the diagonal.

    Source: not in 000; what the confusion of 4 and 9 in its 3.4.4 is read from.
    """

    def measure(self, points: AssignedPoints) -> ClassTable:
        """Return the table.

        Raises:
            UserError: The points have no labels.
        """
        labels, clusters = known_labels(points, 'a table of classes'), points.clusters
        order = matched_order(labels, clusters, points.q.shape[1])
        found = contingency(labels, clusters)
        counts = np.zeros((len(order), len(points.classes)), np.int64)
        counts[: found.shape[0], : found.shape[1]] = found
        accuracy = points.accuracy
        assert accuracy is not None
        return ClassTable(order, list(points.classes), counts[order], accuracy)

    def draw(self, table: ClassTable, out: str | Path) -> Path:
        """Draw it; the suffix of ``out`` gives the format.

        Raises:
            UserError: The suffix is unknown.
        """
        title = f'accuracy {100 * table.accuracy:.2f} %'
        return draw_table(table.counts, list(map(str, table.clusters)), table.classes, title, out)
