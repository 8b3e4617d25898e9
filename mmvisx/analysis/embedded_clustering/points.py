"""Points as a clustering sees them: what its pictures are drawn from.

Letters: n points, d values of a code, k clusters, c classes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from mmvisx.evaluation.clustering import clustering_accuracy, match_clusters
from mmvisx.utils.errors import UserError

__all__ = ['AssignedPoints', 'assign_points', 'known_labels']


class AssignedPoints(NamedTuple):
    """Codes, soft assignments and, where they are known, classes of points.

    Attributes:
        codes: ``(n, d)``.
        q: ``(n, k)``, Eq. 3.1.
        centroids: ``(k, d)``.
        alpha: Degrees of freedom of Eq. 3.1.
        labels: ``(n,)``, or ``None``.
        classes: c names; none without labels.
    """

    codes: Tensor
    q: Tensor
    centroids: Tensor
    alpha: float
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    @property
    def clusters(self) -> np.ndarray:
        """The cluster of each point, ``(n,)``."""
        return self.q.argmax(dim=1).cpu().numpy()

    @property
    def accuracy(self) -> float | None:
        """Eq. 3.10; ``None`` without labels."""
        if self.labels is None:
            return None
        return clustering_accuracy(self.labels, self.clusters)

    @property
    def names(self) -> list[str]:
        """Each cluster's number and, with labels, the class that it is matched with, k texts."""
        matched = {} if self.labels is None else match_clusters(self.labels, self.clusters)
        return [
            f'{k} (class {self.classes[matched[k]]})' if k in matched else str(k)
            for k in range(self.q.shape[1])
        ]


def assign_points(model: Any, dataset: Any) -> AssignedPoints:
    """Embed and assign all points of a data set.

    Args:
        model: A :class:`mmvisx.DEC` with centroids.
        dataset: A :class:`mmvisx.VectorDataset`.
    """
    # mmvisx.analysis is imported for curves and tables, too, which need no engine.
    from mmvisx.engine.hooks.embedded_clustering_targets import assign_all, embed_all

    codes = embed_all(model, dataset)
    q, _ = assign_all(model, codes)
    centroids = model.centroids.detach()
    classes = tuple(dataset.metainfo.get('classes', ()))
    return AssignedPoints(codes, q, centroids, model.alpha, dataset.labels, classes)


def known_labels(points: AssignedPoints, what: str) -> np.ndarray:
    """Return the classes of points, ``(n,)``.

    Raises:
        UserError: There are none; ``what`` would be drawn from them.
    """
    if points.labels is None:
        raise UserError(
            f'{what} needs labels, and the points have none: name them by labels= of the data '
            'set, or --labels'
        )
    return points.labels
