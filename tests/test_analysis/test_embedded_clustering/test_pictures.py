"""Typical points, t-SNE, the table of classes and reliability, by loops and by hand."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from mmvisx.analysis import ClusterReliability, ClusterTable, CodeEmbedding, TypicalPoints
from mmvisx.analysis.embedded_clustering.reliability import reliability_curve
from mmvisx.analysis.embedded_clustering.table import matched_order
from mmvisx.analysis.embedded_clustering.tsne import draw_points
from mmvisx.analysis.embedded_clustering.typical import nearest_members
from mmvisx.utils import UserError
from tests.helpers.embedded_clustering import assigned


def test_nearest_members_of_each_cluster_by_a_loop():
    points = assigned(n=50, k=4)
    codes, centroids = points.codes.numpy(), points.centroids.numpy()
    found = nearest_members(codes, centroids, points.clusters, 5)
    for k, (rows, distances) in enumerate(found):
        far = {}
        for i, cluster in enumerate(points.clusters):
            if cluster == k:
                far[i] = sum((codes[i] - centroids[k]) ** 2) ** 0.5
        wanted = sorted(far, key=far.get)[:5]
        assert rows.tolist() == wanted
        np.testing.assert_allclose(distances, [far[i] for i in wanted])


def test_typical_points_by_hand():
    codes = torch.tensor([[0.0, 0], [3, 4], [9, 9], [1, 0], [1, 0]])
    q = torch.tensor([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.2, 0.8, 0], [0.7, 0.3, 0], [0.7, 0.3, 0]])
    centroids = torch.tensor([[0.0, 0], [9, 8], [50, 50]])
    labels = np.array([1, 1, 0, 1, 0])
    points = assigned()._replace(codes=codes, q=q, centroids=centroids, labels=labels)
    first, second, empty = TypicalPoints(3).measure(points)
    assert first == ('0 (class b)', 4, [0, 3, 4], [0.0, 1.0, 1.0], ['b', 'b', 'a'])
    assert second == ('1 (class a)', 1, [2], [1.0], ['a'])
    assert empty == ('2', 0, [], [], [])
    unlabelled = TypicalPoints(1).measure(points._replace(labels=None, classes=()))
    assert unlabelled[0] == ('0', 4, [0], [0.0], [])


def test_the_same_few_points_in_every_panel_and_clouds_stay_apart():
    points = assigned(n=120, d=5, seed=3)
    apart = points._replace(codes=points.codes + 20 * points.centroids[points.clusters])
    analysis = CodeEmbedding(count=90, perplexity=10, seed=1)
    first, second = analysis.measure([('a', points), ('b', apart)])
    assert first.points.tolist() == second.points.tolist()
    assert len(set(first.points.tolist())) == 90
    assert first.groups.tolist() == points.labels[first.points].tolist()
    assert first.accuracy == points.accuracy
    assert second.places.shape == (90, 2)
    clusters = apart.clusters[second.points]
    nearest = KNeighborsClassifier(3).fit(second.places, clusters)
    assert nearest.score(second.places, clusters) == 1
    again = analysis.measure([('b', apart)])[0]
    assert np.array_equal(again.places, second.places)
    unlabelled = analysis.measure([('a', points._replace(labels=None, classes=()))])[0]
    assert unlabelled.accuracy is None
    assert unlabelled.groups.tolist() == points.clusters[first.points].tolist()
    assert unlabelled.names == ['0', '1', '2']


def test_points_are_drawn_once_and_in_order():
    assert draw_points(3, 5, 0).tolist() == [0, 1, 2]
    some = draw_points(1000, 100, 0)
    assert (np.diff(some) > 0).all()
    assert some.tolist() != draw_points(1000, 100, 1).tolist()


def test_order_of_matched_clusters_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2, 2])
    clusters = np.array([3, 3, 0, 0, 0, 1, 1])
    assert matched_order(labels, clusters, 5) == [3, 0, 1, 2, 4]
    assert matched_order(np.array([1, 0]), np.array([0, 1]), 2) == [1, 0]


def test_table_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 1])
    q = torch.eye(4)[[2, 2, 0, 0, 0, 1]]
    table = ClusterTable().measure(assigned()._replace(q=q, labels=labels, classes=('a', 'b', 'c')))
    assert table.clusters == [2, 0, 1, 3]
    assert table.counts.tolist() == [[2, 0, 0], [1, 2, 0], [0, 1, 0], [0, 0, 0]]
    assert table.accuracy == pytest.approx(4 / 6)


@pytest.mark.parametrize('bins', [1, 4, 10])
def test_reliability_by_a_loop(bins):
    random = np.random.default_rng(0)
    confidence = random.uniform(0.1, 1, 200).round(2)  # some on the edges of bins
    right = random.random(200) < confidence**2
    curve = reliability_curve(confidence, right, bins)
    error = 0.0
    for b in range(bins):
        own = [
            (c, r) for c, r in zip(confidence, right, strict=True) if b / bins < c <= (b + 1) / bins
        ]
        assert curve.counts[b] == len(own)
        if not own:
            assert curve.confidence[b] is curve.accuracy[b] is None
            continue
        sure, hits = (sum(x[k] for x in own) / len(own) for k in (0, 1))
        assert curve.confidence[b] == pytest.approx(sure)
        assert curve.accuracy[b] == pytest.approx(hits)
        error += len(own) / 200 * abs(sure - hits)
    assert curve.error == pytest.approx(error)


def test_reliability_by_hand():
    """Cluster 0 is b, 1 is a; 2 is left over, whose points are wrong."""
    q = torch.tensor([[0.9, 0.1, 0], [0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.3, 0.3, 0.4]])
    points = assigned()._replace(q=q, labels=np.array([1, 1, 0, 0]), classes=('a', 'b'))
    curve = ClusterReliability(bins=2).measure(points)
    assert curve.counts == [1, 3]
    assert curve.accuracy == [0, 1]
    assert curve.error == pytest.approx((0.4 + (0.1 + 0.2 + 0.4)) / 4)
    assert (curve.mean_confidence, curve.mean_accuracy) == pytest.approx((0.675, 0.75))


def test_mistakes_are_named():
    unlabelled = assigned(classes=0)
    for analysis in (ClusterTable(), ClusterReliability()):
        with pytest.raises(UserError, match='needs labels, and the points have none'):
            analysis.measure(unlabelled)
    with pytest.raises(UserError, match='bins=0'):
        ClusterReliability(0).measure(assigned())
    with pytest.raises(UserError, match='60 points are too few for perplexity=60'):
        CodeEmbedding(perplexity=60).measure([('a', assigned())])
    with pytest.raises(UserError, match=r'the checkpoints assign \[50, 60\] points'):
        CodeEmbedding().measure([('a', assigned()), ('b', assigned(n=50))])
