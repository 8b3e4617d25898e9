"""Eq. 3.4 against a loop and autograd, percentiles against NumPy, a cluster by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from mmvisx.analysis import AssignmentGradients
from mmvisx.analysis.embedded_clustering.gradients import (
    code_gradients,
    percentile_places,
    shares_by_tenth,
)
from mmvisx.ops.embedded_clustering import (
    kl_clustering_loss,
    student_t_assignment,
    target_distribution,
)
from mmvisx.utils import UserError
from tests.helpers.embedded_clustering import assigned


def slow(points):
    """Eq. 3.3 and 3.4, a number at a time."""
    codes, centroids, q = (x.tolist() for x in (points.codes, points.centroids, points.q))
    n, k, a = len(q), len(centroids), points.alpha
    f = [sum(row[j] for row in q) for j in range(k)]
    found = []
    for i in range(n):
        total = sum(q[i][j] ** 2 / f[j] for j in range(k))
        gradient = [0.0] * len(codes[i])
        for j in range(k):
            p = q[i][j] ** 2 / f[j] / total
            far = sum((z - m) ** 2 for z, m in zip(codes[i], centroids[j], strict=True))
            for c, (z, m) in enumerate(zip(codes[i], centroids[j], strict=True)):
                gradient[c] += (a + 1) / a / (1 + far / a) * (p - q[i][j]) * (z - m)
        found.append(gradient)
    return found


@pytest.mark.parametrize('alpha', [0.5, 1.0, 2.0])
def test_gradients_are_those_of_the_equation_and_of_the_loss(alpha, monkeypatch):
    monkeypatch.setattr('mmvisx.analysis.embedded_clustering.gradients._CHUNK', 7)
    points = assigned(n=20, alpha=alpha)
    found = code_gradients(*points[:4])
    np.testing.assert_allclose(found, slow(points), atol=1e-13)
    codes = points.codes.requires_grad_()
    q = student_t_assignment(codes, points.centroids, alpha)
    kl_clustering_loss(q, target_distribution(q.detach()), 'sum').backward()
    np.testing.assert_allclose(found, codes.grad, atol=1e-13)


@pytest.mark.parametrize('count', [1, 4, 10, 11, 37, 100])
def test_percentiles(count):
    values = np.sort(np.random.default_rng(0).random(count))
    wanted = np.percentile(values, range(10, 101, 10), method='inverted_cdf')
    assert values[percentile_places(count)].tolist() == wanted.tolist()


def test_shares_of_tenths_by_hand():
    right = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1], bool)
    assert shares_by_tenth(right) == [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1]
    assert shares_by_tenth(right[2:5]) == [0, 1, 1]


def test_points_of_a_cluster_the_least_sure_first():
    points = assigned(n=90)
    pull = AssignmentGradients(1).measure(points)
    clusters = points.clusters
    assert sorted(pull.points) == np.flatnonzero(clusters == 1).tolist()
    assert pull.q == sorted(pull.q) == points.q[pull.points, 1].tolist()
    lengths = [np.hypot(*slow(points)[i]) for i in pull.points]
    np.testing.assert_allclose(pull.lengths, lengths, atol=1e-13)
    ranks = np.corrcoef(rankdata(pull.q), rankdata(lengths))[0, 1]
    assert pull.rank_correlation == pytest.approx(ranks)
    labels = points.labels[pull.points]
    assert pull.classes == ['abc'[labels[place]] for place in pull.percentiles]
    most = np.bincount(labels).argmax()  # the clouds are apart
    assert pull.cluster == f'1 (class {"abc"[most]})'
    assert np.mean(pull.right) == pytest.approx((labels == most).mean(), abs=0.05)


def test_the_largest_cluster_where_none_is_named_and_points_without_labels():
    points = assigned(n=40, classes=0)
    pull = AssignmentGradients().measure(points)
    assert int(pull.cluster) == np.bincount(points.clusters).argmax()
    assert pull.classes == pull.right == []


def test_a_cluster_without_a_class_has_no_right_points():
    points = assigned(n=60, k=5, classes=2)
    left_over = [k for k, name in enumerate(points.names) if name == str(k)]
    assert len(left_over) == 3
    pull = AssignmentGradients(left_over[0]).measure(points)
    assert pull.right == []
    assert len(pull.classes) == 10


def test_one_point_has_no_rank_correlation():
    points = assigned(n=1, classes=0)
    assert AssignmentGradients().measure(points).rank_correlation is None


def test_mistakes_are_named():
    points = assigned()
    with pytest.raises(UserError, match='cluster 3: there are those from 0 to 2'):
        AssignmentGradients(3).measure(points)
    far = points._replace(q=torch.tensor([[1.0, 0.0, 0.0]]).repeat(60, 1))
    with pytest.raises(UserError, match='cluster 2 has no points'):
        AssignmentGradients(2).measure(far)
