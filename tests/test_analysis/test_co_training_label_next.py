"""Divergences among views against scipy and by hand, ranks, and the page."""

import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from mmvisx.analysis import LabelNext
from mmvisx.analysis.co_training_label_next import Disputed, view_divergence


def test_two_views_are_scipys_distance_squared():
    random = np.random.default_rng(0)
    said = random.dirichlet(np.ones(7), size=(20, 2))
    wanted = jensenshannon(said[:, 0], said[:, 1], axis=1) ** 2
    np.testing.assert_allclose(view_divergence(said), wanted, atol=1e-12)


def test_of_four_views_the_mean_distance_to_their_mean():
    random = np.random.default_rng(1)
    said = random.dirichlet(np.ones(5), size=(10, 4))
    wanted = [np.mean([entropy(p, each.mean(axis=0)) for p in each]) for each in said]
    np.testing.assert_allclose(view_divergence(said), wanted, atol=1e-12)


def test_by_hand():
    # Agreement, full disagreement of two, and of three views
    assert view_divergence(np.array([[[0.2, 0.8], [0.2, 0.8]]])) == pytest.approx(0, abs=1e-15)
    assert view_divergence(np.eye(2)[None]) == pytest.approx(math.log(2))
    assert view_divergence(np.eye(3)[None].astype(np.float32)) == pytest.approx(math.log(3))
    # Two pixels, of which they disagree on one
    pixels = np.stack([np.eye(2), np.full((2, 2), 0.5)], axis=-1)[None, ..., None]
    assert view_divergence(pixels) == pytest.approx(math.log(2) / 2)


def model_of(scores):
    """What says the softmax of made scores ``(N, n, K)`` of images that are their numbers."""
    return SimpleNamespace(
        data_preprocessor=lambda batch, training: dict(inputs=batch),
        probabilities=lambda inputs: scores[inputs].softmax(dim=2),
    )


def test_ranks_of_made_scores_with_ties_by_name():
    far, near, same = [[9.0, 0.0], [0.0, 9.0]], [[2.0, 0.0], [0.0, 2.0]], [[1.0, 0.0]] * 2
    scores = torch.tensor([near, same, far, near, same])
    loader = [torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4])]
    ranked = LabelNext().measure(model_of(scores), loader, ['n2', 's2', 'f', 'n1', 's1'])
    assert [image.name for image in ranked] == ['f', 'n1', 'n2', 's1', 's2']
    assert [image.place for image in ranked] == [2, 3, 0, 4, 1]
    assert ranked[0].classes == (0, 1)
    assert ranked[3].classes == (0, 0)
    p = 1 / (1 + math.exp(-2))
    wanted = math.log(2) + p * math.log(p) + (1 - p) * math.log(1 - p)
    assert ranked[1].divergence == pytest.approx(wanted, abs=1e-6)


def test_the_page_shows_every_picture(tmp_path):
    images = [Disputed(k, f'{k}.png', 0.5 - k / 100, (k % 2, 1)) for k in range(11)]
    pictures = [np.full((6, 6, 3), 20 * k, np.uint8) for k in range(11)]
    out = LabelNext().draw(images, pictures, ['cat', 'dog'], tmp_path / 'page.png')
    greys = cv2.imread(str(out), cv2.IMREAD_GRAYSCALE)
    counts = np.bincount(greys.ravel(), minlength=256)
    assert all(counts[20 * k] > 500 for k in range(11))
