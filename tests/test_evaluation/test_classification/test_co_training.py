"""Accuracies of views by hand."""

import numpy as np
import pytest

from mmvisx.evaluation import ViewAccuracy
from mmvisx.evaluation.classification.co_training_views import view_accuracy


def test_by_hand():
    # Three views of four images; what each takes for the most probable class
    scores = np.array(
        [
            [[0.6, 0.4, 0.0], [0.7, 0.2, 0.1], [0.1, 0.9, 0.0]],  # 0, 0, 1; mean 1
            [[0.2, 0.8, 0.0], [0.1, 0.9, 0.0], [0.0, 1.0, 0.0]],  # 1, 1, 1
            [[0.1, 0.0, 0.9], [0.8, 0.2, 0.0], [0.0, 0.3, 0.7]],  # 2, 0, 2; mean 2
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],  # all differ
        ]
    )
    found = view_accuracy(scores, np.array([0, 1, 2, 2]))
    assert {k: found[k] for k in '012'} == {'0': 75, '1': 50, '2': 75}
    assert found['mean'] == pytest.approx(200 / 3)
    # Mean probabilities of the first image: 1.4, 1.5, 0.1 thirds
    assert found['ensemble'] == 50
    # First and second differ in 2 of 4 images, first and third in 2, second and third in 3
    assert found['disagreement'] == pytest.approx(100 * (2 + 2 + 3) / 12)


def test_names_in_logs():
    metric = ViewAccuracy()
    assert metric.default_prefix == 'views'


def test_top_2_by_hand():
    scores = np.array([[[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]], [[0.2, 0.5, 0.3], [0.4, 0.3, 0.3001]]])
    found = view_accuracy(scores, np.array([0, 2]), top=2)
    assert (found['mean'], found['mean_top2']) == (25.0, 75.0)
    assert 'mean_top2' not in view_accuracy(scores, np.array([0, 2]))
