import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import eigh
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from mmvisx.analysis.embedded_clustering.baselines import BASELINES, NINE, baseline, sweep
from mmvisx.analysis.embedded_clustering.graphs import (
    gaussian_laplacian,
    ldmgi_eigenvectors,
    ldmgi_matrix,
    sec_eigenvectors,
    sec_operator,
)
from mmvisx.analysis.embedded_clustering.spectral import LDMGI, SEC
from mmvisx.utils.errors import UserError

COUNT = 5


def points(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def nearest(x, i):
    """The nearest others of a point, by comparing it with all."""
    return sorted((j for j in range(len(x)) if j != i), key=lambda j: np.sum((x[i] - x[j]) ** 2))[
        :COUNT
    ]


def ldmgi_by_loops(x, strength):
    n, m = len(x), COUNT + 1
    total, h = np.zeros((n, n)), np.eye(m) - np.ones((m, m)) / m
    for i in range(n):
        clique = [i, *nearest(x, i)]
        y = x[clique].T
        y = y - y.mean(axis=1, keepdims=True)
        block = h @ np.linalg.inv(y.T @ y + strength * np.eye(m)) @ h
        for a, row in enumerate(clique):
            for b, column in enumerate(clique):
                total[row, column] += block[a, b]
    return total


def laplacian_by_loops(x):
    n = len(x)
    near = [nearest(x, i) for i in range(n)]
    width = np.mean([np.linalg.norm(x[i] - x[j]) for i in range(n) for j in near[i]])
    w = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if j in near[i] or i in near[j]:
                w[i, j] = np.exp(-np.sum((x[i] - x[j]) ** 2) / (2 * width**2))
    degree = w.sum(axis=1)
    return np.array(
        [[(i == j) - w[i, j] / np.sqrt(degree[i] * degree[j]) for j in range(n)] for i in range(n)]
    )


def sec_by_loops(x, mu, gamma):
    n, d = x.shape
    h = np.eye(n) - np.ones((n, n)) / n
    y = x.T @ h
    fit = y.T @ np.linalg.inv(y @ y.T + gamma * np.eye(d)) @ y
    return laplacian_by_loops(x) + mu * (h - fit)


KINDS = {'dense': np.asarray, 'sparse': sparse.csr_array, 'matrix': sparse.csr_matrix}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('d', [2, 9])
@pytest.mark.parametrize('strength', [1e-2, 1.0, 1e8])
def test_ldmgi_matrix_is_the_sum_of_the_cliques(kind, d, strength):
    x = points(60, d)
    found, wanted = ldmgi_matrix(KINDS[kind](x), COUNT, strength), ldmgi_by_loops(x, strength)
    np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-9, atol=1e-9 * abs(wanted).max())
    assert found.nnz < 60**2 / 2


def test_ldmgi_matrix_chunk_by_chunk(monkeypatch):
    x = points(60, 9)
    wanted = ldmgi_matrix(x, COUNT, 1.0).toarray()
    monkeypatch.setattr('mmvisx.analysis.embedded_clustering.graphs._AT_ONCE', 6 * 9 * 7)
    assert (ldmgi_matrix(x, COUNT, 1.0).toarray() == wanted).all()


def test_a_tiny_lambda_loses_no_digits():
    x = points(60, 9)
    blocks = ldmgi_matrix(x, COUNT, 1e-12).toarray()
    # Five differences of six points in nine dimensions: the pseudo-inverse is the limit
    wanted = np.zeros((60, 60))
    for i in range(60):
        clique = [i, *nearest(x, i)]
        y = x[clique] - x[clique].mean(axis=0)
        wanted[np.ix_(clique, clique)] += np.linalg.pinv(y @ y.T)
    np.testing.assert_allclose(blocks, wanted, atol=1e-8 * abs(wanted).max())


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('d', [3, 80])
@pytest.mark.parametrize('mu', [1e-4, 1.0, 1e6])
def test_sec_operator_is_the_dense_matrix(kind, d, mu):
    x = points(60, d) + 3
    operator = sec_operator(KINDS[kind](x), COUNT, mu, gamma=0.5)
    wanted = sec_by_loops(x, mu, 0.5)
    np.testing.assert_allclose(operator @ np.eye(60), wanted, atol=1e-9 * abs(wanted).max())
    np.testing.assert_allclose(operator @ x[:, 0], wanted @ x[:, 0], atol=1e-8 * abs(wanted).max())


@pytest.mark.parametrize('kind', KINDS)
def test_laplacian(kind):
    x = points(60, 4)
    found = gaussian_laplacian(KINDS[kind](x), COUNT).toarray()
    np.testing.assert_allclose(found, laplacian_by_loops(x), atol=1e-12)


def assert_same_space(found, matrix, k):
    """Eigenvectors of equal eigenvalues are free; the space that they span is not."""
    values, vectors = eigh(matrix)
    assert values[k] - values[k - 1] > 1e-9 * values[-1]
    np.testing.assert_allclose(found.T @ found, np.eye(k), atol=1e-8)
    wanted = vectors[:, :k]
    np.testing.assert_allclose(found @ found.T, wanted @ wanted.T, atol=1e-5)


# A dense decomposition below 200 points, a sparse one above
@pytest.mark.parametrize('n', [60, 240])
@pytest.mark.parametrize('strength', [NINE[0], 1.0, NINE[-1]])
def test_ldmgi_eigenvectors(n, strength):
    matrix = ldmgi_matrix(points(n, 9), COUNT, strength)
    assert_same_space(ldmgi_eigenvectors(matrix, 4), matrix.toarray(), 4)


def test_points_that_are_nearly_the_same_spoil_no_eigenvectors():
    x = points(240, 9)
    x[:20:2] = x[1:20:2] + 1e-6
    matrix = ldmgi_matrix(x, COUNT, NINE[0])
    assert matrix.max() > 1e6 * np.median(matrix.diagonal())
    wanted = eigh(matrix.toarray())[1][:, :4]
    found = ldmgi_eigenvectors(matrix, 4)
    np.testing.assert_allclose(found @ found.T, wanted @ wanted.T, atol=1e-4)


@pytest.mark.parametrize('n', [60, 240])
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('mu', [NINE[0], 1.0, NINE[-1]])
def test_sec_eigenvectors(n, kind, mu):
    operator = sec_operator(KINDS[kind](points(n, 9)), COUNT, mu)
    assert_same_space(sec_eigenvectors(operator, 4), operator @ np.eye(n), 4)


@pytest.mark.parametrize('name', BASELINES)
def test_groups_that_are_apart_are_found(name):
    x, labels = make_blobs(90, 4, centers=3, cluster_std=0.5, random_state=3)
    estimator = baseline(name, 3)
    assert adjusted_rand_score(labels, estimator.fit_predict(x)) == 1
    assert estimator.labels_.shape == (90,)
    assert (clone(estimator).fit(sparse.csr_array(x)).labels_ == estimator.labels_).all()


def test_nine_values_of_what_is_varied():
    assert pytest.approx((1e-8, 1e-6, 1e-4, 1e-2, 1, 1e2, 1e4, 1e6, 1e8)) == NINE
    assert [e.strength for e in sweep('LDMGI', 3).values()] == list(NINE)
    assert [e.mu for e in sweep('SEC', 3).values()] == list(NINE)
    assert [e.random_state for e in sweep('k-means', 3, seed=4).values()] == list(range(4, 13))
    with pytest.raises(UserError, match="no baseline 'kmeans': one of k-means, spectral"):
        baseline('kmeans', 3)


@pytest.mark.parametrize('kind', [LDMGI, SEC])
def test_bad_input(kind):
    x = np.repeat(points(3, 4), 4, axis=0)
    with pytest.raises(UserError, match='n_clusters=1: there are 2 or more'):
        kind(1).fit(x)
    for given in (x, sparse.csr_array(x)):
        with pytest.raises(UserError, match='n_clusters=4, but there are 3 distinct points'):
            kind(4).fit(given)
        assert len(np.unique(kind(3).fit_predict(given))) == 3
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match='contains NaN'):
        kind(3).fit(x)


@pytest.mark.parametrize(
    'estimator', [LDMGI(2, strength=0), SEC(2, mu=-1), SEC(2, gamma=0)], ids=repr
)
def test_factors_are_positive(estimator):
    with pytest.raises(UserError, match='must be above 0'):
        estimator.fit(points(20, 3))


# scikit-learn's own clusterers take one cluster, which is refused here, and these checks ask for it
ONE_CLUSTER = dict.fromkeys(
    (
        'check_dont_overwrite_parameters',
        'check_fit2d_1feature',
        'check_fit2d_predict1d',
        'check_methods_subset_invariance',
    ),
    'asks for one cluster',
)


@parametrize_with_checks(
    [LDMGI(2, n_init=2), SEC(2, n_init=2)], expected_failed_checks=lambda estimator: ONE_CLUSTER
)
def test_is_an_estimator(estimator, check):
    check(estimator)
