"""Which number of clusters holds for points held out and from seed to seed."""

from itertools import combinations

import numpy as np
import pytest

from mmvisx.evaluation.clustering import agreement, choose_count, count_scores


def rand_index(a, b):
    """The adjusted Rand index by counting pairs of points, one by one."""
    pairs = list(combinations(range(len(a)), 2))
    same_a = [a[i] == a[j] for i, j in pairs]
    same_b = [b[i] == b[j] for i, j in pairs]
    both = sum(x and y for x, y in zip(same_a, same_b, strict=True))
    chance = sum(same_a) * sum(same_b) / len(pairs)
    return (both - chance) / ((sum(same_a) + sum(same_b)) / 2 - chance)


def test_agreement_is_the_mean_over_pairs_of_seeds():
    seeds = np.random.default_rng(0).integers(3, size=(4, 12))
    expected = np.mean([rand_index(a, b) for a, b in combinations(seeds.tolist(), 2)])
    assert agreement(seeds) == pytest.approx(expected)
    # Names of clusters mean nothing
    assert agreement(np.array([[0, 0, 1, 1, 2], [2, 2, 0, 0, 1]])) == 1
    # All points in one cluster are no agreement
    assert agreement(np.zeros((3, 5), int)) == 0
    assert agreement(np.array([[0, 0, 1], [1, 1, 0], [2, 2, 2]])) == pytest.approx(1 / 3)


def test_scores_by_hand():
    g = np.array([[0.8, 1.4, -70], [0.6, 1.2, 0.5]])  # means 0.7, 1 and 0.25 of 0 to 1 each
    np.testing.assert_allclose(count_scores(g, np.array([0.5, 0.9, 1])), [0.35, 0.9, 0.25])
    np.testing.assert_allclose(count_scores(g, np.array([0.5, -0.1, 0])), [0.35, 0, 0])


@pytest.mark.parametrize(
    ('scores', 'place'),
    [([0.2, 0.9, 0.5], 1), ([0.9, 0.8, 0.86], 2), ([0.9, 0.8, 0.85], 0), ([0.0, 0.0], 1)],
)
def test_the_largest_of_those_about_as_good(scores, place):
    assert choose_count(np.array(scores)) == place
