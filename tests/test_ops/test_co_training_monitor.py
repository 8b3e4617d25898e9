"""What views have in common, against loops over views and images with scipy, and by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import entropy

from mmvisx.ops.co_training_monitor import ViewNumbers, collapsed_pairs, view_numbers


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize('pixels', [(), (2, 3)])
def test_three_views_against_loops(pixels):
    n, images, classes = 3, 8, 4
    clean = drawn(n, images, classes, *pixels)
    attacked = drawn(n, n, images, classes, *pixels, seed=1)
    unlabelled = torch.tensor([False, True] * (images // 2))
    found = view_numbers(clean, attacked, unlabelled)

    def rows(scores):
        """Probabilities of every image or pixel, (images, pixels, classes)."""
        return softmax(scores.reshape(*scores.shape[:2], -1).movedim(1, 2).numpy(), axis=2)

    p = [rows(scores) for scores in clean]
    for i in range(n):
        for j in range(n):
            fooled, apart, jsd, dif, kl = [], [], [], [], []
            for x in range(images):
                for a, b, q_a, q_b in zip(
                    p[i][x], p[j][x], rows(attacked[i, j])[x], rows(attacked[j, i])[x], strict=True
                ):
                    fooled.append(q_a.argmax() != b.argmax())
                    dif.append(-(a * np.log(q_a)).sum() - (b * np.log(q_b)).sum())
                    kl.append(entropy(a, q_a) + entropy(b, q_b))
                    if x % 2:
                        apart.append(a.argmax() != b.argmax())
                        jsd.append(jensenshannon(a, b) ** 2 if i != j else 0.0)
            for name, values in zip(
                ViewNumbers._fields, (fooled, dif, kl, apart, jsd), strict=True
            ):
                wanted = pytest.approx(np.mean(values), abs=1e-9)
                assert getattr(found, name)[i, j].item() == wanted, (name, i, j)


def test_summary_tells_views_from_pairs():
    matrix = torch.tensor([[0.5, 0.1], [0.3, 0.7]])
    both = torch.tensor([[9.0, 2.0], [2.0, 9.0]])
    found = ViewNumbers(matrix, both, both / 2, both / 4, both / 8).summary()
    wanted = dict(own_fooling=0.6, transferred_fooling=0.2)
    wanted |= dict(dif=2.0, dif_kl=1.0, disagreement=0.5, jsd=0.25)
    assert found == pytest.approx(wanted)


def test_equal_views_have_no_divergence_but_entropy():
    clean = drawn(1, 6, 4).expand(2, 6, 4)
    found = view_numbers(clean, clean.expand(2, 2, 6, 4), torch.ones(6, dtype=torch.bool))
    assert not found.fooled.any()
    assert not found.dif_kl.any()
    assert not found.jsd.any()
    p = softmax(clean[0].numpy(), axis=1)
    assert found.dif[0, 1].item() == pytest.approx(2 * entropy(p, axis=1).mean())


def test_scores_of_halves_are_finite():
    clean = torch.tensor([[[1e4, -1e4]], [[-1e4, 1e4]]], dtype=torch.float16)
    found = view_numbers(clean, clean.expand(2, 2, 1, 2), torch.ones(1, dtype=torch.bool))
    assert all(value.isfinite().all() for value in found)
    assert found.jsd[0, 1].item() == pytest.approx(math.log(2))
    assert found.disagreement.tolist() == [[0, 1], [1, 0]]


def numbers(fooled, disagreement):
    """Made numbers of three views, of which the last is unlike the others."""
    zeros = torch.zeros(3, 3)
    matrix, apart = torch.full((3, 3), 0.01), torch.full((3, 3), 0.5)
    matrix[:2, :2], apart[:2, :2] = torch.tensor(fooled), disagreement
    matrix[2, 2] = 0.4
    return ViewNumbers(matrix, zeros, zeros, apart, zeros)


@pytest.mark.parametrize(
    ('fooled', 'disagreement', 'pairs'),
    [
        ([[0.4, 0.4], [0.4, 0.4]], 0.0, [(0, 1)]),
        ([[0.4, 0.3], [0.5, 0.4]], 0.01, [(0, 1)]),  # means count
        ([[0.4, 0.37], [0.34, 0.4]], 0.0, []),  # 0.355 is below 0.9 * 0.4
        ([[0.4, 0.4], [0.4, 0.4]], 0.02, []),  # they disagree
        ([[0.01, 0.01], [0.01, 0.01]], 0.0, []),  # the attack fools neither
    ],
)
def test_which_pairs_have_collapsed(fooled, disagreement, pairs):
    made = numbers(fooled, disagreement)
    assert collapsed_pairs(made, near=0.9, apart=0.01, least=0.02) == pairs
