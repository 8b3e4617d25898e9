"""Joint accuracy and accuracy over tasks, against loops and by hand."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from sklearn.metrics import top_k_accuracy_score

from mmvisx.evaluation import EpisodeAccuracy, JointAccuracy
from mmvisx.evaluation.classification.few_shot_episodes import draw_episodes
from mmvisx.evaluation.classification.few_shot_joint import class_ranks, joint_accuracy
from mmvisx.utils import UserError
from tests.helpers.few_shot import made_up


def test_top_k_against_scikit_learn():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(200, 10)), rng.integers(0, 10, 200)
    found = joint_accuracy(class_ranks(scores, labels), labels, num_large=7)
    large = labels < 7
    for k in (1, 5):
        for name, members in (('large', large), ('few', ~large)):
            expected = 100 * top_k_accuracy_score(
                labels[members], scores[members], k=k, labels=np.arange(10)
            )
            assert abs(found[f'{name}/top{k}'] - expected) < 1e-9


def test_by_hand():
    # Large: right, second; few: right, last of four
    scores = np.array([[9, 1, 2, 3], [5, 6, 0, 0], [0, 1, 7, 2], [4, 3, 2, 1.0]])
    labels = np.array([0, 0, 2, 3])
    assert class_ranks(scores, labels).tolist() == [0, 1, 0, 3]
    found = joint_accuracy(class_ranks(scores, labels), labels, num_large=2, topk=(1, 2))
    assert found == {
        'large/top1': 50,
        'few/top1': 50,
        'harmonic/top1': 50,
        'large/top2': 100,
        'few/top2': 50,
        'harmonic/top2': pytest.approx(2 * 100 * 50 / 150),
    }


def test_equal_scores_go_to_the_first_class():
    scores = np.zeros((3, 4))
    assert class_ranks(scores, np.array([0, 1, 3])).tolist() == [0, 1, 3]


def test_metric_over_batches():
    rng = np.random.default_rng(1)
    scores, labels = rng.random((9, 6)), rng.integers(0, 6, 9)
    metric = JointAccuracy(num_large=4)
    for part in (slice(0, 4), slice(4, 9)):
        samples = [
            DataSample().set_gt_label(int(y)).set_pred_score(torch.tensor(s)).to_dict()
            for s, y in zip(scores[part], labels[part], strict=True)
        ]
        metric.process(None, samples)
    assert metric.evaluate(9) == joint_accuracy(class_ranks(scores, labels), labels, 4)


def test_only_large_images():
    labels = np.zeros(3, np.int64)
    found = joint_accuracy(np.array([0, 1, 0]), labels, num_large=2, topk=(1,))
    assert found == {'large/top1': pytest.approx(200 / 3)}


def test_queries_are_never_samples():
    _, labels = made_up(6, each=7)
    for episode in draw_episodes(labels, ways=4, shots=3, tasks=200):
        assert episode.support.shape == (4, 3)
        classes = labels[episode.support]
        assert (classes == classes[:, :1]).all()
        assert len(set(classes[:, 0])) == 4
        assert not set(episode.support.ravel()) & set(episode.queries)
        everything = np.sort(np.concatenate([episode.support.ravel(), episode.queries]))
        assert everything.tolist() == np.flatnonzero(np.isin(labels, classes[:, 0])).tolist()
        assert (labels[episode.queries] == classes[episode.labels, 0]).all()


def nearest(support, queries):
    means = support.mean(axis=1)
    return -((queries[:, None] - means) ** 2).sum(axis=-1)


def test_interval_of_tasks():
    activations, labels = made_up(6, each=7, spread=1.0)
    found = EpisodeAccuracy(ways=3, shots=2, tasks=50)(activations, labels, nearest)
    rates = []
    for task in draw_episodes(labels, 3, 2, 50):
        right = 0
        for query, label in zip(task.queries, task.labels, strict=True):
            distances = [
                np.square(activations[query] - activations[rows].mean(axis=0)).sum()
                for rows in task.support
            ]
            right += int(np.argmin(distances)) == label
        rates.append(100 * right / len(task.queries))
    assert found['accuracy'] == pytest.approx(np.mean(rates))
    assert found['interval'] == pytest.approx(1.96 * np.std(rates, ddof=1) / np.sqrt(50))


@pytest.mark.parametrize(
    ('ways', 'shots', 'message'),
    [(7, 1, 'ways=7: there are 6'), (3, 7, 'shots=7: class 0 has 7'), (3, 0, 'shots=0')],
)
def test_tasks_that_cannot_be_drawn(ways, shots, message):
    _, labels = made_up(6, each=7)
    with pytest.raises(UserError, match=message):
        next(draw_episodes(labels, ways, shots, 1))


def test_sizes_of_the_metric():
    with pytest.raises(UserError, match='num_large=0'):
        JointAccuracy(num_large=0)
