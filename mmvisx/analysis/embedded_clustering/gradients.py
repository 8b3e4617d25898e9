"""How strongly points pull at their cluster, over how surely they belong to it (000, Figure 3.4).

Letters: n points, d values of a code, k clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from mmvisx.evaluation.clustering import match_clusters
from mmvisx.ops.embedded_clustering import target_distribution
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.embedded_clustering.pictures import Thumbnail, draw_gradients

from .points import AssignedPoints

__all__ = ['AssignmentGradients', 'Pull', 'code_gradients', 'percentile_places', 'shares_by_tenth']

# Points at a time, of (n, k, d) differences.
_CHUNK = 4096


class Pull(NamedTuple):
    """The points of a cluster, the least sure first.

    Attributes:
        cluster: Its number, and the class it is matched with where classes are known.
        points: Their numbers.
        q: Their soft assignment to the cluster.
        lengths: Of their gradients dL/dz_i, L the sum over the points.
        percentiles: Places in these lists at 10 %, 20 %, ..., 100 %.
        classes: Of the ten points there; none without labels.
        right: Share of each tenth that is of the matched class; none without labels, or where the
            cluster is matched with no class.
        rank_correlation: Spearman's, of q and lengths; ``None`` where one of them is constant.
    """

    cluster: str
    points: list[int]
    q: list[float]
    lengths: list[float]
    percentiles: list[int]
    classes: list[str]
    right: list[float]
    rank_correlation: float | None


def code_gradients(codes: Tensor, q: Tensor, centroids: Tensor, alpha: float) -> Tensor:
    """Return the gradients of L, the sum of Eq. 3.2, by codes, ``(n, d)`` float64.

    Args:
        codes: z of **all** points, from whose assignments P follows (Eq. 3.3), ``(n, d)``.
        q: Their soft assignments, ``(n, k)``.
        centroids: ``(k, d)``.
        alpha: Degrees of freedom.

    Source: 000, Eq. 3.4.
    """
    codes, centroids, q = codes.double(), centroids.double(), q.double()
    parts = zip(codes.split(_CHUNK), (target_distribution(q) - q).split(_CHUNK), strict=True)
    found = []
    for part, missing in parts:
        differences = part[:, None] - centroids
        kernel = 1 / (1 + differences.square().sum(dim=2) / alpha)
        found.append(torch.einsum('nk,nkd->nd', kernel * missing, differences))
    return (alpha + 1) / alpha * torch.cat(found)


def percentile_places(count: int, percentiles: int = 10) -> list[int]:
    """Return the places of the 10 %, 20 %, ... of a sorted list: the first that are reached.

    Args:
        count: Length of the list, 1 or more.
        percentiles: How many, at equal distances; the last is the end of the list.
    """
    return [-(-count * step // percentiles) - 1 for step in range(1, percentiles + 1)]


def shares_by_tenth(right: np.ndarray, tenths: int = 10) -> list[float]:
    """Return the share of a sorted list's each tenth that is right.

    Args:
        right: Booleans, ``(m,)``; the parts' sizes differ by one at most.
        tenths: How many parts; fewer where the list is shorter.
    """
    parts = np.array_split(right, min(tenths, len(right)))
    return [float(part.mean()) for part in parts]


@ANALYSES.register_module()
class AssignmentGradients:
    """The length of dL/dz_i against q_ij of the points of a cluster.

    Args:
        cluster: j; by default the largest cluster (the document takes one at random).

    Source: 000, Figure 3.4. The shares of right points and the rank correlation are ours.
    """

    def __init__(self, cluster: int | None = None) -> None:
        self.cluster = cluster

    def measure(self, points: AssignedPoints) -> Pull:
        """Return the points that are assigned to the cluster.

        Raises:
            UserError: There is no such cluster, or it is empty.
        """
        clusters, number = points.clusters, points.q.shape[1]
        j = self.cluster
        if j is None:
            j = int(np.bincount(clusters, minlength=number).argmax())
        if not 0 <= j < number:
            raise UserError(f'cluster {j}: there are those from 0 to {number - 1}')
        members = np.flatnonzero(clusters == j)
        if not len(members):
            raise UserError(f'cluster {j} has no points: choose another')
        gradients = code_gradients(points.codes, points.q, points.centroids, points.alpha)
        q = points.q[:, j].double().cpu().numpy()[members]
        order = q.argsort(kind='stable')
        members, q = members[order], q[order]
        lengths = gradients.norm(dim=1).cpu().numpy()[members]
        places = percentile_places(len(members))
        classes, right = [], []
        if points.labels is not None:
            found = points.labels[members]
            classes = [points.classes[found[place]] for place in places]
            matched = match_clusters(points.labels, clusters)
            right = shares_by_tenth(found == matched[j]) if j in matched else []
        varied = np.ptp(q) > 0 and np.ptp(lengths) > 0
        return Pull(
            points.names[j], members.tolist(), q.tolist(), lengths.tolist(), places, classes, right,
            float(spearmanr(q, lengths).statistic) if varied else None,
        )  # fmt: skip

    def draw(self, pull: Pull, thumbnail: Callable[[int], Thumbnail], out: str | Path) -> Path:
        """Draw the points, and above them ten pictures; the suffix of ``out`` gives the format.

        Args:
            pull: Of :meth:`measure`.
            thumbnail: The picture of a point, or what to write in its place.
            out: The picture.

        Raises:
            UserError: The suffix is unknown.
        """
        cells = [thumbnail(pull.points[place]) for place in pull.percentiles]
        return draw_gradients(
            f'cluster {pull.cluster}', np.array(pull.q), np.array(pull.lengths), pull.percentiles,
            cells, pull.classes, out,
        )  # fmt: skip
