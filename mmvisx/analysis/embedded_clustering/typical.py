"""The most typical points of each cluster (000, Figure 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmvisx.registry import ANALYSES
from mmvisx.visualization.embedded_clustering.pictures import Thumbnail, draw_typical

from .points import AssignedPoints

__all__ = ['Typical', 'TypicalPoints', 'nearest_members']


class Typical(NamedTuple):
    """The points of a cluster that are nearest to its centroid.

    Attributes:
        cluster: Its number, and the class it is matched with where classes are known.
        size: Of the cluster.
        points: Numbers of the points, the nearest first.
        distances: Theirs to the centroid, among codes.
        classes: Theirs; none without labels.
    """

    cluster: str
    size: int
    points: list[int]
    distances: list[float]
    classes: list[str]


def nearest_members(
    codes: np.ndarray, centroids: np.ndarray, clusters: np.ndarray, count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each cluster its nearest points and their distances, at most ``count`` of each.

    Of equal distances the earlier point comes first; an empty cluster has none.

    Args:
        codes: ``(n, d)``.
        centroids: ``(k, d)``.
        clusters: ``(n,)``; another cluster's points are left out, however near.
        count: Points of a cluster.

    Source: 000, 3.4.4: "images are sorted from left to right based on their distance to the
    cluster center".
    """
    found = []
    for k, centroid in enumerate(centroids.astype(np.float64)):
        members = np.flatnonzero(clusters == k)
        distances = np.linalg.norm(codes[members] - centroid, axis=1)
        order = distances.argsort(kind='stable')[:count]
        found.append((members[order], distances[order]))
    return found


@ANALYSES.register_module()
class TypicalPoints:
    """A row for each cluster: its points that are nearest to the centroid.

    Args:
        count: Points of a cluster; the document has 10.

    Source: 000, Figure 3.2.
    """

    def __init__(self, count: int = 10) -> None:
        self.count = count

    def measure(self, points: AssignedPoints) -> list[Typical]:
        """Return what the rows show, a cluster each."""
        clusters = points.clusters
        codes, centroids = points.codes.cpu().numpy(), points.centroids.cpu().numpy()
        nearest = nearest_members(codes, centroids, clusters, self.count)
        labels = points.labels
        return [
            Typical(
                name,
                int((clusters == k).sum()),
                rows.tolist(),
                distances.tolist(),
                [] if labels is None else [points.classes[labels[row]] for row in rows],
            )
            for k, (name, (rows, distances)) in enumerate(zip(points.names, nearest, strict=True))
        ]

    def draw(
        self,
        rows: Sequence[Typical],
        thumbnail: Callable[[int], Thumbnail],
        out: str | Path,
    ) -> Path:
        """Draw them; the suffix of ``out`` gives the format.

        Args:
            rows: Of :meth:`measure`.
            thumbnail: The picture of a point, or what to write in its place.
            out: The picture.

        Raises:
            UserError: The suffix is unknown.
        """
        cells = [[thumbnail(point) for point in row.points] for row in rows]
        return draw_typical([f'{r.cluster}\n{r.size} points' for r in rows], cells, out)
