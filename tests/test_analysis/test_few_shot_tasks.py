"""Tasks of few classes: methods against loops."""

import numpy as np
import pytest
import torch

from mmvisx.analysis import FewShotTasks
from mmvisx.analysis.few_shot_tasks import nearest_sample, predicted_weights
from mmvisx.evaluation.classification.few_shot_episodes import draw_episodes
from mmvisx.utils import UserError
from tests.helpers.few_shot import bank_of, random_predictor


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture(scope='module')
def phi():
    return random_predictor()


def test_scores_against_loops(phi):
    rng = np.random.default_rng(0)
    support = rng.normal(size=(3, 2, 6)).astype(np.float32)
    queries = rng.normal(size=(4, 6)).astype(np.float32)
    nearest, ours = nearest_sample(support, queries), predicted_weights(phi)(support, queries)
    for q in range(4):
        for k in range(3):
            cosines = [unit(queries[q]) @ unit(sample) for sample in support[k]]
            assert abs(nearest[q, k] - max(cosines)) < 1e-6
            with torch.no_grad():
                weight = phi(torch.from_numpy((support[k, 0] + support[k, 1]) / 2)).numpy()
            assert abs(ours[q, k] - weight @ queries[q]) < 1e-4


def test_accuracy_by_hand(tmp_path, phi):
    bank = bank_of(tmp_path / 'bank', classes=5, spread=0.6)
    results = FewShotTasks(ways=3, shots=(1, 2), tasks=20).measure(bank, dict(phi=phi))
    assert [(r['row'], r['shots']) for r in results] == [
        (name, n)
        for n in (1, 2)
        for name in ('nearest neighbour', 'untrained phi-1', 'untrained phi-2', 'phi')
    ]
    rates = []
    for support, queries, labels in draw_episodes(bank.labels, 3, 2, 20):
        means = bank.activations[support].mean(axis=1)
        found = (unit(bank.activations[queries]) @ unit(means).T).argmax(axis=1)
        rates.append(100 * (found == labels).mean())
    own = next(r for r in results if r['row'] == 'untrained phi-1' and r['shots'] == 2)
    assert own['accuracy'] == pytest.approx(np.mean(rates))
    assert own['interval'] == pytest.approx(1.96 * np.std(rates, ddof=1) / 20**0.5)
    assert 40 < own['accuracy'] < 100
    with pytest.raises(UserError, match='ways=6'):
        FewShotTasks(ways=6).measure(bank)
    with pytest.raises(UserError, match='shots=5'):
        FewShotTasks(ways=2, shots=(5,)).measure(bank)
