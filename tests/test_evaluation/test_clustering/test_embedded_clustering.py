import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from mmvisx.evaluation import ClusterMetric
from mmvisx.evaluation.clustering import (
    cluster_scores,
    clustering_accuracy,
    contingency,
    generalizability,
    match_clusters,
    normalized_mutual_information,
)
from mmvisx.utils.errors import UserError


def best_of_all_matchings(labels, clusters, k, c):
    """Eq. 3.10 as it stands: every one-to-one map of clusters and classes is tried."""
    best = 0
    for chosen in itertools.permutations(range(max(k, c)), k):
        hits = sum(
            chosen[cluster] == label for label, cluster in zip(labels, clusters, strict=True)
        )
        best = max(best, hits)
    return best / len(labels)


@pytest.mark.parametrize(
    ('k', 'c'), [(1, 1), (2, 2), (3, 3), (6, 6), (3, 5), (5, 3), (6, 2), (1, 4)]
)
def test_accuracy_is_the_best_of_all_matchings(k, c):
    rng = np.random.default_rng(k * 10 + c)
    for points in (1, 9, 40):
        labels, clusters = rng.integers(0, c, points), rng.integers(0, k, points)
        wanted = best_of_all_matchings(labels, clusters, k, c)
        assert clustering_accuracy(labels, clusters) == pytest.approx(wanted, abs=1e-15)
        pairs = match_clusters(labels, clusters)
        assert len(set(pairs.values())) == len(pairs)
        right = [pairs.get(int(c)) == int(y) for c, y in zip(clusters, labels, strict=True)]
        assert np.mean(right) == pytest.approx(wanted, abs=1e-15)


def test_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    clusters = np.array([1, 1, 0, 0, 0, 3])
    assert contingency(labels, clusters).tolist() == [[1, 2, 0], [2, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert clustering_accuracy(labels, clusters) == pytest.approx(5 / 6)
    assert match_clusters(labels, clusters) == {0: 1, 1: 0, 3: 2}
    assert clustering_accuracy(labels, (labels + 1) % 3) == 1


def mutual_information(labels, clusters):
    """The formula of section 3.5.5, from counts."""
    n = len(labels)
    share = {}
    for pair in zip(labels.tolist(), clusters.tolist(), strict=True):
        share[pair] = share.get(pair, 0) + 1 / n
    of = [{}, {}]
    for pair, value in share.items():
        for side in (0, 1):
            of[side][pair[side]] = of[side].get(pair[side], 0) + value
    information = sum(v * math.log(v / of[0][a] / of[1][b]) for (a, b), v in share.items())
    entropies = [-sum(v * math.log(v) for v in side.values()) for side in of]
    return information / (sum(entropies) / 2)


@pytest.mark.parametrize(('k', 'c'), [(2, 2), (4, 3), (3, 10)])
def test_information_is_the_formula_and_scikit_learns(k, c):
    rng = np.random.default_rng(k)
    labels, clusters = rng.integers(0, c, 50), rng.integers(0, k, 50)
    found = normalized_mutual_information(labels, clusters)
    assert found == pytest.approx(mutual_information(labels, clusters), abs=1e-12)
    assert found == pytest.approx(normalized_mutual_info_score(labels, clusters), abs=1e-15)
    scores = cluster_scores(labels, clusters)
    assert scores == dict(
        acc=clustering_accuracy(labels, clusters),
        nmi=found,
        ari=adjusted_rand_score(labels, clusters),
    )


def test_labels_of_other_points_are_refused():
    with pytest.raises(UserError, match=r'\(3,\) and clusters of shape \(2,\)'):
        clustering_accuracy(np.zeros(3, int), np.zeros(2, int))


def loss_by_loops(q, f):
    """Eq. 3.2 a point with P by Eq. 3.3."""
    total = 0.0
    for row in q:
        weights = [value**2 / of for value, of in zip(row, f, strict=True)]
        for weight, value in zip(weights, row, strict=True):
            p = weight / sum(weights)
            total += p * math.log(p / value)
    return total / len(q)


@pytest.mark.parametrize('train_frequencies', [False, True])
def test_generalizability_is_the_ratio_of_the_losses(train_frequencies):
    rng = np.random.default_rng(0)
    train, held_out = (rng.dirichlet(np.ones(4), n) for n in (30, 7))
    f = train.mean(axis=0)
    own = f if train_frequencies else held_out.mean(axis=0)
    wanted = loss_by_loops(train, f) / loss_by_loops(held_out, own)
    assert generalizability(train, held_out, train_frequencies) == pytest.approx(wanted, rel=1e-12)
    assert generalizability(train, train) == 1


def test_generalizability_by_hand():
    # Of rows (3/4, 1/4) and (1/4, 3/4): f = 1/2 each, P = (9/10, 1/10) and turned round
    train = np.array([[0.75, 0.25], [0.25, 0.75]])
    loss = 0.9 * math.log(1.2) + 0.1 * math.log(0.4)
    # Of rows (2/3, 1/3) and (1/3, 2/3): P = (4/5, 1/5)
    held_out = np.array([[2 / 3, 1 / 3], [1 / 3, 2 / 3]])
    other = 0.8 * math.log(1.2) + 0.2 * math.log(0.6)
    assert generalizability(train, held_out) == pytest.approx(loss / other, rel=1e-12)


def test_generalizability_of_what_has_none():
    with pytest.raises(UserError, match='not of the same clusters'):
        generalizability(np.full((3, 2), 0.5), np.full((3, 3), 1 / 3))
    with pytest.raises(UserError, match='have no loss'):
        generalizability(np.full((3, 2), 0.5), np.full((3, 2), 0.5))


Q = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0]])
LABELS = torch.tensor([1, 0, 1, 1])


def batch(rows, **others):
    return dict(q=Q[rows], indices=torch.tensor(rows), labels=LABELS[rows], **others)


def evaluate(*batches):
    metric = ClusterMetric()
    for samples in batches:
        metric.process({}, [samples])
    return metric.evaluate(4)


def test_metric_of_batches():
    found = evaluate(batch([0, 1]), batch([2, 3]))
    scores = cluster_scores(LABELS.numpy(), np.array([0, 1, 0, 1]))
    assert scores['acc'] == 0.75
    wanted = {f'clusters/{key}': value for key, value in scores.items()}
    # The third cluster is empty
    assert found == wanted | {'clusters/smallest': 0.0, 'clusters/largest': 0.5}


def test_metric_of_hard_clusters():
    points = dict(clusters=torch.tensor([0, 1, 0, 1]), indices=torch.arange(4), labels=LABELS)
    soft = evaluate(batch([0, 1, 2, 3]))
    assert evaluate(points) == soft | {'clusters/smallest': 0.5}


def test_metric_counts_a_point_once():
    assert evaluate(batch([0, 1]), batch([2, 3]), batch([0, 1])) == evaluate(batch([0, 1, 2, 3]))


def test_metric_without_labels_has_no_accuracy():
    points = batch([0, 1, 2, 3])
    del points['labels']
    assert evaluate(points) == {'clusters/smallest': 0.0, 'clusters/largest': 0.5}
    with pytest.raises(UserError, match='1 of 2 batches have no labels'):
        evaluate(points, batch([0]))


def test_metric_says_all_sizes(monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmvisx.evaluation.clustering.embedded_clustering_metric.print_log',
        lambda text, *args: said.append(text),
    )
    evaluate(batch([0, 1, 2, 3]))
    assert said == ['points of each cluster: 2, 2, 0']
