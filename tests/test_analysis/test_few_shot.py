"""Rows of the few-shot table against loops."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from mmvisx.analysis.few_shot_compare import ROWS, Banks, FewShotTable
from mmvisx.analysis.few_shot_rows import (
    class_mean,
    linear,
    nearest,
    predicted,
    simple_shot,
)
from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils import UserError
from tests.helpers.few_shot import bank_of, made_up, made_up_known, random_predictor


@pytest.fixture(scope='module')
def known():
    return made_up_known()


@pytest.fixture(scope='module')
def queries():
    return made_up(5, each=6, spread=0.5, seed=1)[0]


def everything(known):
    few = np.concatenate(known.support)
    return np.concatenate([known.activations, few]), np.concatenate([known.labels, [3, 3, 4, 4]])


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_nearest_neighbour_against_scikit_learn(known, queries):
    samples, labels = everything(known)
    expected = KNeighborsClassifier(1, metric='cosine').fit(samples, labels).predict(queries)
    assert nearest()(known)(queries).argmax(axis=1).tolist() == expected.tolist()


def test_scores_of_the_nearest_are_cosines(known, queries):
    samples, labels = everything(known)
    scores = nearest()(known)(queries)
    for q, query in enumerate(queries):
        for k in range(5):
            own = [unit(query) @ unit(s) for s, y in zip(samples, labels, strict=True) if y == k]
            assert abs(scores[q, k] - max(own)) < 1e-6


def test_a_share_of_the_images(known, queries):
    few = nearest(0.01)(known)(queries)
    assert few.shape == (len(queries), 5)
    # One image of each large class: its scores are those of single images.
    singles = unit(queries) @ unit(known.activations).T
    for k in range(3):
        own = singles[:, known.labels == k]
        assert (np.abs(own - few[:, [k]]).max(axis=0) < 1e-6).sum() == 1


def test_class_means(known, queries):
    expected = predicted(ParameterPredictor(6, 1), few='mean')(known)(queries)
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    np.testing.assert_allclose(class_mean(known)(queries), expected / lengths, atol=1e-5)


def test_simple_shot_against_scikit_learn(known, queries):
    centre = known.activations.mean(axis=0)
    samples, labels = everything(known)
    expected = NearestCentroid().fit(unit(samples - centre), labels).predict(unit(queries - centre))
    assert simple_shot(known)(queries).argmax(axis=1).tolist() == expected.tolist()


@pytest.mark.parametrize('exact', [None, 0.7])
def test_predicted_against_a_loop(known, queries, exact):
    phi = random_predictor()
    scores = predicted(phi, exact=exact)(known)(queries)
    with torch.no_grad():
        for k in range(3):
            weight = phi(torch.from_numpy(known.means[k]))
            if exact is not None:
                own = torch.from_numpy(known.activations[known.labels == k])
                single = torch.stack([phi(a) for a in own]).mean(dim=0)
                weight = exact * weight + (1 - exact) * single
            np.testing.assert_allclose(scores[:, k], queries @ weight.numpy(), atol=1e-4)
        for k, samples in enumerate(known.support):
            each = [queries @ phi(torch.from_numpy(s)).numpy() for s in samples]
            np.testing.assert_allclose(scores[:, 3 + k], np.max(each, axis=0), atol=1e-4)


def test_logistic_regression_takes_as_many_of_each(known, queries, monkeypatch):
    seen = []

    class Fake:
        def __init__(self, **options):
            pass

        def fit(self, x, y):
            seen.append(np.bincount(y).tolist())

    monkeypatch.setattr('mmvisx.analysis.few_shot_rows.LogisticRegression', Fake)
    linear()(known)
    linear(balanced=False)(known)
    assert seen == [[2, 2, 2, 2, 2], [6, 7, 8, 2, 2]]


@pytest.fixture
def banks(tmp_path):
    train, test = bank_of(tmp_path / 'a', classes=3), bank_of(tmp_path / 'b', classes=3, seed=1)
    few, few_test = bank_of(tmp_path / 'c', classes=2), bank_of(tmp_path / 'd', classes=2, seed=2)
    for bank in (few, few_test):
        bank.classes = ['new 0', 'new 1']
    return Banks(train, test, few, few_test)


def test_the_table(banks):
    table = FewShotTable(shots=(1, 2), draws=3)
    results = table.measure(banks)
    assert len(results) == len(ROWS) * 2 * 3 + 2
    again = table.measure(banks)
    assert results == again
    draws = [r['few/top1'] for r in results if r['row'] == 'nearest class mean' and r['shots'] == 1]
    assert len(draws) == 3
    drawn = table.draw(results)
    assert drawn.row_count == len(ROWS) * 2 + 2


def test_samples_are_drawn_anew(banks):
    seen = []

    def spy(known):
        seen.append(known.support)
        return class_mean(known)

    FewShotTable(shots=(2,), draws=4, oracles=False).measure(banks, dict(spy=spy))
    assert [s.shape for s in seen] == [(2, 2, 6)] * 4
    assert any((seen[0] != s).any() for s in seen[1:])
    for support in seen:
        for k in range(2):
            own = banks.few.activations[banks.few.rows(k)]
            assert all((own == sample).all(axis=1).any() for sample in support[k])
            assert (support[k, 0] != support[k, 1]).any()


def test_images_are_read_once(banks, monkeypatch):
    read = dict.fromkeys(vars(banks), 0)
    for name, bank in vars(banks).items():

        def count(rows, name=name, before=bank.read):
            read[name] += len(rows)
            return before(rows)

        monkeypatch.setattr(bank, 'read', count)
    FewShotTable(shots=(1, 2), draws=3, oracles=False).measure(banks)
    drawn = 3 * 2 * (1 + 2)
    assert read == dict(
        train=len(banks.train), test=len(banks.test), few=drawn, few_test=len(banks.few_test)
    )


def test_banks_that_do_not_fit(banks, tmp_path):
    wide = bank_of(tmp_path / 'wide', channels=7)
    with pytest.raises(UserError, match=r'\[6, 7\] channels'):
        Banks(banks.train, banks.test, banks.few, wide)
    with pytest.raises(UserError, match='other classes'):
        Banks(banks.train, banks.few, banks.few, banks.few_test)
    with pytest.raises(UserError, match="'class 0' is a large class and a few class"):
        Banks(banks.train, banks.test, banks.train, banks.test)
    with pytest.raises(UserError, match='have 5 images'):
        FewShotTable(shots=(1, 6)).measure(banks)
