"""Sparse graphs of points and the eigenvectors that spectral clustering takes of them.

n: points, the rows of X ``(n, d)``, which is dense or CSR; k: clusters; m: points of a clique, a
point and its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.sparse.linalg import LinearOperator, eigsh, splu
from sklearn.neighbors import NearestNeighbors

__all__ = [
    'gaussian_laplacian',
    'ldmgi_eigenvectors',
    'ldmgi_matrix',
    'neighbours',
    'sec_eigenvectors',
    'sec_operator',
]

# Numbers of the cliques' points that are held at once.
_AT_ONCE = 2**24
# Up to this n a dense decomposition is as quick, and does not mind k close to n.
_DENSE = 200


def neighbours(x: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and numbers of each point's nearest others, ``(n, count)`` each.

    Args:
        x: ``(n, d)``, dense or sparse.
        count: Fewer than n.
    """
    distances, found = NearestNeighbors(n_neighbors=count).fit(x).kneighbors()
    return distances, found


def ldmgi_matrix(x: Any, count: int, strength: float) -> sparse.csc_array:
    """Return the matrix of LDMGI, ``(n, n)``: the sum of a block for each clique.

    A clique's block is ``H (Y' Y + strength I)^-1 H``, with its m points as columns of Y, centred,
    and H the centring matrix.

    Args:
        x: ``(n, d)``, dense or sparse.
        count: Neighbours of a point, m - 1.
        strength: The method's lambda, above 0.

    Source: 000, section 3.4.1, LDMGI; the number of neighbours is our choice.
    """
    points, m = x.shape[0], count + 1
    cliques = np.column_stack([np.arange(points), neighbours(x, count)[1]])
    centring = np.eye(m) - 1 / m
    blocks = np.empty((points, m, m))
    chunk = max(1, _AT_ONCE // (m * x.shape[1]))
    for start in range(0, points, chunk):
        rows = cliques[start : start + chunk]
        y = x[rows.ravel()]
        y = (y.toarray() if sparse.issparse(y) else y).reshape(*rows.shape, -1)
        y = y - y.mean(axis=1, keepdims=True)
        gram = y @ y.transpose(0, 2, 1)
        # The sum of a centred clique is 0, and H takes away what the inverse makes of it. So there
        # is any number for it, and with one of the others' size nothing is lost to rounding.
        filled = np.trace(gram, axis1=1, axis2=2)[:, None, None] / m
        inner = np.linalg.inv(gram + strength * np.eye(m) + filled / m)
        blocks[start : start + chunk] = centring @ inner @ centring
    rows = np.repeat(cliques, m, axis=1).ravel()
    columns = np.tile(cliques, m).ravel()
    return sparse.csc_array(sparse.coo_array((blocks.ravel(), (rows, columns)), (points, points)))


def gaussian_laplacian(x: Any, count: int) -> sparse.csc_array:
    """Return the normalised Laplacian of the neighbours' graph, ``(n, n)``.

    Two points are joined where one is among the other's neighbours, with weight
    ``exp(-distance^2 / (2 width^2))``; the width is the mean distance to a neighbour.

    Args:
        x: ``(n, d)``, dense or sparse.
        count: Neighbours of a point.
    """
    points = x.shape[0]
    distances, found = neighbours(x, count)
    width = distances.mean() or 1.0  # all points are one: any width will do
    weights = np.exp(-(distances**2) / (2 * width**2))
    rows = np.repeat(np.arange(points), count)
    graph = sparse.csr_array((weights.ravel(), (rows, found.ravel())), (points, points))
    graph = graph.maximum(graph.T)
    # The weight of a neighbour very far away is 0.
    root = sparse.diags_array(1 / np.sqrt(np.maximum(graph.sum(axis=1), np.finfo(float).tiny)))
    return sparse.csc_array(sparse.eye_array(points) - root @ graph @ root)


def sec_operator(x: Any, count: int, mu: float, gamma: float = 1.0) -> LinearOperator:
    """Return the matrix of SEC, ``(n, n)``: ``L + mu (H - Y' (Y Y' + gamma I)^-1 Y)``.

    L is :func:`gaussian_laplacian`, H the centring matrix, and Y the points as columns, centred.
    The second term is dense, but of rank d beside H, and never written out.

    Args:
        x: ``(n, d)``, dense or sparse.
        count: Neighbours of a point.
        mu: Weight of the second term, above 0.
        gamma: Strength of its regression, above 0.

    Source: 000, section 3.4.1, SEC; gamma and the number of neighbours are our choice.
    """
    return _SEC(x, count, mu, gamma)


class _SEC(LinearOperator):
    """See :func:`sec_operator`; ``solver`` inverts it, shifted."""

    def __init__(self, x: Any, count: int, mu: float, gamma: float) -> None:
        super().__init__(np.dtype(float), (x.shape[0], x.shape[0]))
        self.laplacian, self.mu, self.x = gaussian_laplacian(x, count), mu, x
        self.mean = np.asarray(x.mean(axis=0)).ravel()
        gram = x.T @ x
        gram = gram.toarray() if sparse.issparse(gram) else gram
        self.gram = gram - x.shape[0] * np.outer(self.mean, self.mean)
        self.gram[np.diag_indices_from(self.gram)] += gamma
        self._factor = cho_factor(self.gram)

    def _matmat(self, v: np.ndarray) -> np.ndarray:
        centred = v - v.mean(axis=0)
        # Y v: the points' mean drops out of it with v's
        regressed = cho_solve(self._factor, self.x.T @ centred)
        fitted = self.x @ regressed - self.mean @ regressed
        return self.laplacian @ v + self.mu * (centred - fitted)

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self._matmat(v.reshape(-1, 1))

    def _adjoint(self) -> LinearOperator:
        return self

    def solver(self, shift: float) -> Callable[[np.ndarray], np.ndarray]:
        """Return the product with the inverse of this minus ``shift`` times the identity.

        The sparse part is factored, the rest follows by Woodbury's formula.
        """
        points = self.shape[0]
        solve = _sparse_solver(self.laplacian, shift - self.mu)
        dense = self.x.toarray() if sparse.issparse(self.x) else self.x
        low = np.column_stack([np.full(points, points**-0.5), dense - self.mean])
        solved = solve(low)
        inner = -low.T @ solved
        inner[0, 0] += 1 / self.mu
        inner[1:, 1:] += self.gram / self.mu
        factor = cho_factor(inner)

        def product(v: np.ndarray) -> np.ndarray:
            found = solve(v)
            return found + solved @ cho_solve(factor, low.T @ found)

        return product


def ldmgi_eigenvectors(matrix: sparse.csc_array, k: int, seed: int = 0) -> np.ndarray:
    """Return the eigenvectors of the k smallest eigenvalues of a sparse matrix, ``(n, k)``.

    Args:
        matrix: Symmetric, without negative eigenvalues, ``(n, n)``.
        k: At most n.
        seed: Of the vector that the search begins with.
    """
    if matrix.shape[0] <= _DENSE:
        return eigh(matrix.toarray(), subset_by_index=(0, k - 1))[1]
    # Not of the largest entries: points that are nearly the same have huge ones.
    shift = -1e-3 * float(np.median(matrix.diagonal()))
    return _smallest(matrix, _sparse_solver(matrix, shift), shift, k, seed)


def sec_eigenvectors(operator: Any, k: int, seed: int = 0) -> np.ndarray:
    """Return the eigenvectors of the k smallest eigenvalues of SEC's matrix, ``(n, k)``.

    Args:
        operator: What :func:`sec_operator` returns.
        k: At most n.
        seed: Of the vector that the search begins with.
    """
    if operator.shape[0] <= _DENSE:
        return eigh(operator @ np.eye(operator.shape[0]), subset_by_index=(0, k - 1))[1]
    # A much smaller shift would lose the digits of the constant vector, of which H leaves nothing;
    # with a larger one the search takes four times as long where mu is large.
    shift = -1e-5 * (1 + operator.mu)
    return _smallest(operator, operator.solver(shift), shift, k, seed)


def _sparse_solver(matrix: sparse.csc_array, shift: float) -> Callable[[np.ndarray], np.ndarray]:
    shifted = sparse.csc_array(matrix - shift * sparse.eye_array(matrix.shape[0]))
    # Positive definite: without looking for pivots the factors stay sparse.
    options = dict(SymmetricMode=True)
    return splu(
        shifted, permc_spec='MMD_AT_PLUS_A', diag_pivot_thresh=0.0, options=options
    ).solve  # fmt: skip


def _smallest(
    matrix: Any, solve: Callable[[np.ndarray], np.ndarray], shift: float, k: int, seed: int
) -> np.ndarray:
    start = np.random.default_rng(seed).standard_normal(matrix.shape[0])
    inverse = LinearOperator(matrix.shape, solve, dtype=np.dtype(float))
    values, vectors = eigsh(matrix, k, sigma=shift, OPinv=inverse, v0=start)
    return vectors[:, np.argsort(values)]
