"""Learning like a Child against a loop over images and classes."""

import numpy as np
import pytest
import torch

from mmvisx.analysis.few_shot_child import RATES, choose_rate, learn_like_a_child, searched_child
from mmvisx.analysis.few_shot_rows import Known
from tests.helpers.few_shot import bank_of, made_up, made_up_known


@pytest.fixture(scope='module')
def known():
    return made_up_known()


@pytest.fixture(scope='module')
def layer():
    rng = np.random.default_rng(3)
    return rng.normal(size=(3, 6)), rng.normal(size=3)


def by_loops(known, weight, bias, rate, epochs):
    """Full-batch gradient descent with momentum on all rows, of which the new ones are moved."""
    images = np.concatenate([known.activations, *known.support]).astype(np.float64)
    labels = [*known.labels, 3, 3, 4, 4]
    w, b = np.concatenate([weight, np.zeros((2, 6))]), np.concatenate([bias, np.zeros(2)])
    velocity = np.zeros_like(w), np.zeros_like(b)
    for _ in range(epochs):
        grad_w, grad_b = np.zeros_like(w), np.zeros_like(b)
        for x, y in zip(images, labels, strict=True):
            e = np.exp([w[k] @ x + b[k] for k in range(5)])
            for k in (3, 4):
                error = (e[k] / e.sum() - (k == y)) / len(images)
                grad_w[k] += error * x
                grad_b[k] += error
        for value, v, grad in ((w, velocity[0], grad_w), (b, velocity[1], grad_b)):
            v[:] = 0.9 * v + grad
            value -= rate * v
    return w, b


def tensors(layer):
    return [torch.from_numpy(part) for part in layer]


def test_against_a_loop(known, layer):
    row = learn_like_a_child(*tensors(layer), rate=0.5, epochs=7, batch_size=100)
    queries = made_up(5, seed=1)[0]
    w, b = by_loops(known, *layer, rate=0.5, epochs=7)
    np.testing.assert_allclose(row(known)(queries), queries @ w.T + b, atol=1e-4)
    assert np.abs(w[3:]).max() > 0.1


def test_in_batches_the_classifier_stays_as_it_is(known, layer):
    queries = made_up(5, seed=1)[0]
    scores = learn_like_a_child(*tensors(layer), rate=0.5, batch_size=4)(known)(queries)
    np.testing.assert_allclose(scores[:, :3], queries @ layer[0].T + layer[1], atol=1e-4)
    again = learn_like_a_child(*tensors(layer), rate=0.5, batch_size=4)(known)
    np.testing.assert_array_equal(scores, again(queries))
    untrained = learn_like_a_child(*tensors(layer), rate=0.0)(known)
    images = np.concatenate([known.activations, *known.support]).astype(np.float64)
    labels = torch.tensor([*known.labels, 3, 3, 4, 4])
    losses = [
        torch.nn.functional.cross_entropy(torch.from_numpy(score(images)), labels)
        for score in (again, untrained)
    ]
    assert losses[0] < 0.9 * losses[1]


def test_rows_that_are_taken_away(known, layer):
    """Of a classifier of six classes, those of the large ones are taken."""
    shown = [4, 0, 2]
    weight, bias = np.full((6, 6), np.nan), np.full(6, np.nan)
    weight[shown], bias[shown] = layer
    row = learn_like_a_child(torch.from_numpy(weight), torch.from_numpy(bias), rate=0.5)
    queries = made_up(5, seed=1)[0]
    expected = learn_like_a_child(*tensors(layer), rate=0.5)(known)(queries)
    found = row(known._replace(classes=np.array(shown)))(queries)
    np.testing.assert_array_equal(found, expected)


def test_the_rate_is_searched_on_large_classes(tmp_path, monkeypatch):
    bank = bank_of(tmp_path / 'bank', classes=8, each=8, spread=0.2)
    weight = torch.from_numpy(bank.means).float()
    bias = -0.5 * weight.square().sum(dim=1)
    tried = []

    def spy(weight, bias, rate):
        def row(known):
            assert len(known.classes) == 6  # a fifth of the eight is pseudo-novel
            assert known.support.shape == (2, 2, 6)
            tried.append(rate)
            quality = 1 if rate == 0.03 else -1
            centres = np.concatenate([known.means, known.support.mean(axis=1)])
            return lambda queries: -quality * ((queries[:, None] - centres) ** 2).sum(axis=-1)

        return row

    monkeypatch.setattr('mmvisx.analysis.few_shot_child.learn_like_a_child', spy)
    assert choose_rate(bank, weight, bias, shots=2) == 0.03
    assert sorted(set(tried)) == sorted(RATES)
    del tried[:]
    row = searched_child(bank, weight, bias)
    few = Known(bank.activations, bank.labels, bank.means, np.ones((2, 2, 6), np.float32))
    few = few._replace(classes=np.arange(6))
    row(few), row(few)
    assert tried[-2:] == [0.03, 0.03]
    assert len(tried) == 3 * len(RATES) + 2  # searched once
