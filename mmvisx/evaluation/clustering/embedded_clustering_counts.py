"""How many clusters points have: those that hold for points held out and from seed to seed.

Letters: n points, k clusters, s seeds, c numbers of clusters that are compared.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from sklearn.metrics import adjusted_rand_score

__all__ = ['SLACK', 'agreement', 'choose_count', 'count_scores']

# Of several k that are about as good the largest is chosen: it tells most about the points.
SLACK = 0.05


def agreement(assignments: np.ndarray) -> float:
    """Return the mean adjusted Rand index of all pairs of assignments, 1 if all are the same.

    Assignments of all points to one cluster agree on nothing: a pair with one counts as 0, not as
    the 1 that the index gives two of them.

    Args:
        assignments: Clusters of the points by each seed, ``(s, n)``, s at least 2.
    """
    pairs = combinations(assignments, 2)
    found = [adjusted_rand_score(a, b) if np.ptp(a) and np.ptp(b) else 0.0 for a, b in pairs]
    return float(np.mean(found))


def count_scores(generalizability: np.ndarray, agreements: np.ndarray) -> np.ndarray:
    """Return G times the agreement for each k, ``(c,)``, from 0 to 1.

    Args:
        generalizability: G by seed and k, ``(s, c)``; below 0 (losses that are zero but for
            rounding) it counts as 0, above 1 as 1: points held out cannot do better than to fit as
            well as those that were learnt from.
        agreements: Of the seeds' assignments, ``(c,)``; below 0, worse than chance, it counts as 0.
    """
    return generalizability.clip(0, 1).mean(axis=0) * agreements.clip(0)


def choose_count(scores: np.ndarray) -> int:
    """Return the place of the largest k whose score is within 5 % of the best.

    Args:
        scores: Of each k, ascending, ``(c,)``.

    Differs from the document (000, section 3.5.5), which takes the k before a sharp drop of G,
    seen by eye.
    """
    return int(np.flatnonzero(scores >= (1 - SLACK) * scores.max())[-1])
