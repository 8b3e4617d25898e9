"""What deep embedded clustering is compared with, each used as scikit-learn's estimators are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import ClusterMixin
from sklearn.cluster import KMeans, SpectralClustering

from mmvisx.utils.errors import UserError

from .spectral import LDMGI, SEC

__all__ = ['BASELINES', 'NINE', 'baseline', 'sweep']

# Of LDMGI's lambda and SEC's mu, 000, section 3.4.3: "the same parameter and range as in their
# corresponding papers".
NINE = tuple(10.0**power for power in range(-8, 9, 2))
# Restarts of k-means, 000, section 3.4.3.
RESTARTS = 20


def _k_means(n_clusters: int, seed: int) -> ClusterMixin:
    return KMeans(n_clusters, n_init=RESTARTS, random_state=seed)


def _spectral(n_clusters: int, seed: int) -> ClusterMixin:
    return SpectralClustering(
        n_clusters,
        affinity='nearest_neighbors',
        n_neighbors=6,  # a point counts among its own
        n_init=RESTARTS,
        random_state=seed,
    )


def _ldmgi(n_clusters: int, seed: int, strength: float = 1.0) -> ClusterMixin:
    return LDMGI(n_clusters, strength, n_init=RESTARTS, random_state=seed)


def _sec(n_clusters: int, seed: int, mu: float = 1.0) -> ClusterMixin:
    return SEC(n_clusters, mu, n_init=RESTARTS, random_state=seed)


BASELINES: dict[str, Callable[..., Any]] = {
    'k-means': _k_means,
    'spectral': _spectral,
    'LDMGI': _ldmgi,
    'SEC': _sec,
}
# What is varied of each: the name of the argument.
VARIED = {'LDMGI': 'strength', 'SEC': 'mu'}


def baseline(name: str, n_clusters: int, seed: int = 0, **options: float) -> Any:
    """Return an estimator with ``fit``, ``fit_predict`` and ``labels_``.

    Args:
        name: One of ``BASELINES``.
        n_clusters: Clusters.
        seed: Of its k-means.
        **options: ``strength`` of LDMGI, ``mu`` of SEC.

    Raises:
        UserError: There is no such baseline.

    Source: 000, sections 3.4.1 and 3.4.3.
    """
    if name not in BASELINES:
        raise UserError(f'no baseline {name!r}: one of {", ".join(BASELINES)}')
    return BASELINES[name](n_clusters, seed, **options)


def sweep(name: str, n_clusters: int, seed: int = 0) -> dict[float, Any]:
    """Return the nine estimators that the chapter tries of a baseline, by the value varied.

    k-means and spectral clustering have nothing to vary: they are run with nine seeds.

    Source: 000, section 3.4.3 and Fig. 3.3.
    """
    if name in VARIED:
        return {v: baseline(name, n_clusters, seed, **{VARIED[name]: v}) for v in NINE}
    return {float(seed + i): baseline(name, n_clusters, seed + i) for i in range(len(NINE))}
