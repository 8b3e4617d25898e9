"""How well clusters agree with classes, and with points that were held out.

Letters: n points, k clusters, c classes. Clusters and classes are numbered from 0; scores are from
0 to 1, the adjusted Rand index from -1/2 to 1.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import rel_entr
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from mmvisx.utils.errors import UserError

__all__ = [
    'cluster_scores',
    'clustering_accuracy',
    'contingency',
    'generalizability',
    'match_clusters',
    'normalized_mutual_information',
]


def contingency(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return how many points of each class each cluster has, ``(k, c)``.

    Args:
        labels: Classes, ``(n,)``.
        clusters: ``(n,)``.

    Raises:
        UserError: There are no points, or not as many labels as clusters.
    """
    labels, clusters = np.asarray(labels), np.asarray(clusters)
    if labels.shape != clusters.shape or labels.ndim != 1 or not len(labels):
        raise UserError(
            f'labels of shape {labels.shape} and clusters of shape {clusters.shape}: both are one '
            'number a point'
        )
    found = np.zeros((clusters.max() + 1, labels.max() + 1), np.int64)
    np.add.at(found, (clusters, labels), 1)
    return found


def match_clusters(labels: np.ndarray, clusters: np.ndarray) -> dict[int, int]:
    """Return the class of each cluster, one to one, so that most points are right.

    Where there are more clusters than classes, clusters are left over, which are missing.

    Args:
        labels: Classes, ``(n,)``.
        clusters: ``(n,)``.

    Source: 000, Eq. 3.10, m.
    """
    rows, columns = linear_sum_assignment(contingency(labels, clusters), maximize=True)
    return dict(zip(rows.tolist(), columns.tolist(), strict=True))


def clustering_accuracy(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Return the share of points whose cluster is matched with their class.

    Points of clusters that are left over are wrong.

    Args:
        labels: Classes, ``(n,)``.
        clusters: ``(n,)``.

    Source: 000, Eq. 3.10.
    """
    table = contingency(labels, clusters)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / len(labels))


def normalized_mutual_information(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Return the mutual information over the mean of both entropies; 1 if both are 0.

    Args:
        labels: Classes, ``(n,)``.
        clusters: ``(n,)``.

    Source: 000, section 3.5.5.
    """
    return float(normalized_mutual_info_score(labels, clusters, average_method='arithmetic'))


def cluster_scores(labels: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Return ``acc`` (Eq. 3.10), ``nmi`` and ``ari``, the adjusted Rand index.

    Args:
        labels: Classes, ``(n,)``.
        clusters: ``(n,)``.
    """
    return dict(
        acc=clustering_accuracy(labels, clusters),
        nmi=normalized_mutual_information(labels, clusters),
        ari=float(adjusted_rand_score(labels, clusters)),
    )


def generalizability(
    train: np.ndarray, validation: np.ndarray, train_frequencies: bool = False
) -> float:
    """Return the loss of the training points over that of points held out.

    It is below 1 where the clusters fit the training points better.

    Args:
        train: Soft assignments of the training points, ``(n, k)``; rows sum to 1.
        validation: Of the points held out, ``(m, k)``.
        train_frequencies: Whether the targets of both have the clusters' frequencies in the
            training points; else each has those of its own.

    Raises:
        UserError: The numbers of clusters differ, or the held-out points have no loss.

    Source: 000, section 3.5.5, G = L_train / L_validation. The mean over the points and the
    targets of each split from its own assignments are our choice: the chapter does not say.
    """
    if train.shape[1:] != validation.shape[1:]:
        raise UserError(
            f'assignments of shapes {train.shape} and {validation.shape} are not of the same '
            'clusters'
        )
    frequencies = train.mean(axis=0) if train_frequencies else None
    held_out = _mean_loss(validation, frequencies)
    if not held_out:
        raise UserError(
            'the points held out have no loss, so that G is not defined: '
            f'{validation.shape[1]} clusters of {len(validation)} points'
        )
    return _mean_loss(train, frequencies) / held_out


def _mean_loss(q: np.ndarray, frequencies: np.ndarray | None) -> float:
    """Return Eq. 3.2 a point of assignments ``(n, k)``, P by Eq. 3.3."""
    q = q.astype(np.float64)
    f = q.mean(axis=0) if frequencies is None else frequencies.astype(np.float64)
    p = q**2 / np.maximum(f, np.finfo(np.float64).tiny)
    p /= p.sum(axis=1, keepdims=True)
    return float(rel_entr(p, q).sum(axis=1).mean())
