"""LDMGI and SEC, the spectral methods that deep embedded clustering is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.utils import check_array

from mmvisx.utils.errors import UserError

from .graphs import (
    ldmgi_eigenvectors,
    ldmgi_matrix,
    sec_eigenvectors,
    sec_operator,
)

__all__ = ['LDMGI', 'SEC', 'SpectralEmbedding']


class SpectralEmbedding(ClusterMixin, BaseEstimator):
    """k-means of the rows of eigenvectors, as scikit-learn's estimators are used.

    Args:
        n_clusters: Clusters, k.
        n_neighbors: Neighbours that a point is joined with; fewer where there are fewer points.
        n_init: Restarts of k-means.
        random_state: Seed.

    Attributes:
        labels_: Clusters of the points, ``(n,)``.
        embedding_: The eigenvectors of the smallest eigenvalues, ``(n, k)``.
    """

    def __init__(
        self,
        n_clusters: int = 10,
        n_neighbors: int = 5,
        n_init: int = 20,
        random_state: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.n_init = n_init
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def embed(self, x: Any, neighbours: int) -> np.ndarray:
        """Return the eigenvectors for points ``(n, d)``, ``(n, k)``."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any = None) -> SpectralEmbedding:  # noqa: N803 - scikit-learn's name
        """Cluster points.

        Args:
            X: ``(n, d)``, dense or sparse.
            y: Not used.

        Raises:
            UserError: There are fewer clusters than 2 or more than distinct points.
            ValueError: Of scikit-learn: X is no matrix of finite numbers.
        """
        x = check_array(X, accept_sparse='csr', dtype=np.float64, ensure_min_samples=2)
        self.n_features_in_ = x.shape[1]
        check_clusters(self.n_clusters, x)
        self.embedding_ = self.embed(x, min(self.n_neighbors, x.shape[0] - 1))
        found = KMeans(self.n_clusters, n_init=self.n_init, random_state=self.random_state)
        self.labels_ = found.fit(self.embedding_).labels_
        return self


class LDMGI(SpectralEmbedding):
    """Clustering by local discriminant models, integrated over all neighbourhoods.

    Args:
        strength: The method's lambda, of which the chapter tries nine.
        n_clusters: Clusters, k.
        n_neighbors: Neighbours that make a clique with a point.
        n_init: Restarts of k-means.
        random_state: Seed.

    Source: 000, section 3.4.1 and Table 3.2.
    """

    def __init__(
        self,
        n_clusters: int = 10,
        strength: float = 1.0,
        n_neighbors: int = 5,
        n_init: int = 20,
        random_state: int = 0,
    ) -> None:
        super().__init__(n_clusters, n_neighbors, n_init, random_state)
        self.strength = strength

    def embed(self, x: Any, neighbours: int) -> np.ndarray:
        """Return the eigenvectors for points ``(n, d)``, ``(n, k)``."""
        _check_positive('strength', self.strength, self)
        matrix = ldmgi_matrix(x, neighbours, self.strength)
        return ldmgi_eigenvectors(matrix, self.n_clusters, self.random_state)


class SEC(SpectralEmbedding):
    """Spectral embedded clustering: clusters that a linear regression of the points can give.

    Args:
        mu: Weight of the regression, of which the chapter tries nine.
        gamma: Strength of the regression's penalty.
        n_clusters: Clusters, k.
        n_neighbors: Neighbours that a point is joined with.
        n_init: Restarts of k-means.
        random_state: Seed.

    Source: 000, section 3.4.1 and Table 3.2.
    """

    def __init__(
        self,
        n_clusters: int = 10,
        mu: float = 1.0,
        gamma: float = 1.0,
        n_neighbors: int = 5,
        n_init: int = 20,
        random_state: int = 0,
    ) -> None:
        super().__init__(n_clusters, n_neighbors, n_init, random_state)
        self.mu = mu
        self.gamma = gamma

    def embed(self, x: Any, neighbours: int) -> np.ndarray:
        """Return the eigenvectors for points ``(n, d)``, ``(n, k)``."""
        _check_positive('mu', self.mu, self)
        _check_positive('gamma', self.gamma, self)
        operator = sec_operator(x, neighbours, self.mu, self.gamma)
        return sec_eigenvectors(operator, self.n_clusters, self.random_state)


def check_clusters(count: int, x: Any) -> None:
    """Refuse a number of clusters that points ``(n, d)`` cannot make.

    Raises:
        UserError: It is below 2 or above the number of distinct points.
    """
    if count < 2:
        raise UserError(f'n_clusters={count}: there are 2 or more clusters')
    # As many different points as clusters are mostly found among the first few.
    for rows in (x[: 10 * count], x):
        dense = rows if isinstance(rows, np.ndarray) else None
        distinct = len(np.unique(dense, axis=0)) if dense is not None else _distinct(rows)
        if distinct >= count:
            return
    raise UserError(
        f'n_clusters={count}, but there are {distinct} distinct points: fewer clusters, or more '
        'points'
    )


def _distinct(x: Any) -> int:
    """Return the number of different rows of a CSR matrix ``(n, d)``."""
    x = x.copy()
    x.sum_duplicates()
    x.eliminate_zeros()
    pieces = (slice(*x.indptr[row : row + 2]) for row in range(x.shape[0]))
    return len({(x.indices[at].tobytes(), x.data[at].tobytes()) for at in pieces})


def _check_positive(name: str, value: float, estimator: SpectralEmbedding) -> None:
    if not value > 0:
        raise UserError(f'{name}={value} of {type(estimator).__name__} must be above 0')
