"""Mixup: one lambda, mirrored partners, labels that sum to one, inside mmpretrain's model."""

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmvisx.models.batch_augments import MirrorMixup
from mmvisx.models.batch_augments.bag_of_tricks_mixup import mirror_mixup
from mmvisx.registry import BATCH_AUGMENTS, MODELS
from mmvisx.utils import UserError


@pytest.mark.parametrize('size', [2, 4, 5])
def test_against_the_equations(size):
    images, labels = torch.randn(size, 3, 4, 4), torch.eye(6)[:size]
    mixed, scores = mirror_mixup(images, labels, 0.3)
    for i in range(size):
        j = size - 1 - i
        assert torch.allclose(mixed[i], 0.3 * images[i] + 0.7 * images[j])
        assert torch.allclose(scores[i], 0.3 * labels[i] + 0.7 * labels[j])
    assert torch.allclose(scores.sum(1), torch.ones(size))


def test_one_lambda_per_batch_from_the_beta_distribution(monkeypatch):
    drawn = []

    def beta(a, b):
        drawn.append((a, b))
        return 0.25

    monkeypatch.setattr(np.random, 'beta', beta)
    labels = torch.eye(4)
    _, scores = MirrorMixup()(torch.zeros(4, 3, 2, 2), labels)
    assert drawn == [(0.2, 0.2)]
    assert torch.allclose(scores, 0.25 * labels + 0.75 * labels.flip(0))


def test_lambda_has_the_moments_of_the_beta_distribution():
    np.random.seed(0)
    mixup = MirrorMixup(alpha=0.2)
    labels = torch.eye(2)
    lambdas = [mixup(torch.zeros(2, 1), labels)[1][0, 0].item() for _ in range(4000)]
    assert np.mean(lambdas) == pytest.approx(0.5, abs=0.03)
    assert np.var(lambdas) == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.01)


def test_soft_labels_stay_distributions():
    scores = torch.rand(6, 5).softmax(1)
    _, mixed = MirrorMixup()(torch.zeros(6, 3, 2, 2), scores)
    assert torch.allclose(mixed.sum(1), torch.ones(6))
    assert (mixed >= 0).all()


def test_inside_a_preprocessor():
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        assert isinstance(BATCH_AUGMENTS.build(dict(type='mmvisx.MirrorMixup')), MirrorMixup)
        preprocessor = MODELS.build(
            dict(
                type='ClsDataPreprocessor',
                num_classes=3,
                batch_augments=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
            )
        )
    samples = [DataSample().set_gt_label(label) for label in (0, 1, 2)]
    images = torch.stack([torch.full((3, 4, 4), v, dtype=torch.uint8) for v in (0, 100, 200)])
    data = preprocessor(dict(inputs=images, data_samples=samples), training=True)
    lam = data['data_samples'][0].gt_score[0].item()
    for sample, image, value in zip(data['data_samples'], data['inputs'], (0, 100, 200),
                                    strict=True):  # fmt: skip
        assert sample.gt_score.sum().item() == pytest.approx(1)
        assert image.mean().item() == pytest.approx(lam * value + (1 - lam) * (200 - value))
    assert data['data_samples'][1].gt_score.tolist() == [0, 1, 0]  # its own partner


def test_batch_of_one():
    with pytest.raises(UserError, match=r'at least 2 images.*drop_last=True'):
        MirrorMixup()(torch.zeros(1, 3, 4, 4), torch.eye(3)[:1])


@pytest.mark.parametrize('alpha', [0, -0.2])
def test_alpha_must_be_positive(alpha):
    with pytest.raises(UserError, match='alpha='):
        MirrorMixup(alpha=alpha)
