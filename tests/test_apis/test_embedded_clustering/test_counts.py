"""How many clusters: clouds that are there, by points held out and three seeds."""

import numpy as np
import pytest

from mmvisx.apis.embedded_clustering.counts import Counts, candidates, compare_counts
from mmvisx.utils import UserError

QUICK = dict(
    channels=(8, 2), pair_iters=60, whole_iters=120, lr=0.01, max_iters=20, interval=10,
    batch_size=32, n_init=3,
)  # fmt: skip


def clouds(k, n, seed=0):
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return (np.eye(k, 6)[labels] * 6 + draw.normal(size=(n, 6)) / 3).astype('f4')


def test_the_clouds_that_are_there():
    found = compare_counts(clouds(4, 60), [3, 4, 5], QUICK)
    assert found.generalizability.shape == (3, 3)
    assert found.agreements[1] == pytest.approx(1)
    assert found.chosen == 4
    assert found.said.startswith('k = 4 of 3, 4, 5: the largest at which')


def test_the_reason_is_a_sentence_with_its_numbers():
    g = np.array([[0.9, 0.8, 0.3]] * 3)
    found = Counts([2, 3, 4], g, np.array([0.9, 1.0, 0.5]))
    assert found.chosen == 3
    assert 'G 0.80' in found.said
    assert 'ARI 1.00' in found.said
    assert 'within 5 % of the best, 0.81 at k = 2.' in found.said
    assert found.doubt == []
    (doubt,) = Counts([2, 3], g[:, :2], np.array([0.2, 0.3])).doubt
    assert 'ARI 0.30 of 1' in doubt
    assert found.plain()['scores'] == pytest.approx([0.81, 0.8, 0.15])


def test_candidates():
    assert candidates(20) == [2, 3, 4]
    assert candidates(1000)[-1] == 20
    with pytest.raises(UserError, match=r'needs 20 different ones, here are 19'):
        candidates(19)
