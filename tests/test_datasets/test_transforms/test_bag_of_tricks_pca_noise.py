"""Noise along the principal colours."""

import numpy as np
import pytest
from mmpretrain.registry import TRANSFORMS as MMPRETRAIN_TRANSFORMS

from mmvisx.datasets.transforms import PCANoise
from mmvisx.datasets.transforms.bag_of_tricks_pca_noise import EIGENVALUES, EIGENVECTORS
from mmvisx.utils import UserError


@pytest.fixture
def image():
    """Noise from 0 to 255."""
    return np.random.default_rng(0).uniform(0, 255, (5, 6, 3)).astype(np.float32)


def test_mmpretrains_lighting_adds_the_same_numbers(image):
    theirs = MMPRETRAIN_TRANSFORMS.build(
        dict(
            type='mmpretrain.Lighting',
            eigval=list(EIGENVALUES),
            eigvec=[list(r) for r in EIGENVECTORS],
        )
    )
    outs = []
    for transform in (PCANoise(), theirs):
        np.random.seed(3)
        outs.append(transform(dict(img=image.copy()))['img'])
    np.testing.assert_allclose(*outs, atol=1e-4)
    assert abs(outs[0] - image).max() > 0.5


def test_covariance_of_the_noise():
    np.random.seed(0)
    transform = PCANoise(std=0.1)
    draws = np.array([transform.draw_colour() for _ in range(20000)])
    vectors = np.array(EIGENVECTORS)
    expected = np.zeros((3, 3))
    for k, value in enumerate(EIGENVALUES):
        expected += (0.1 * value) ** 2 * np.outer(vectors[:, k], vectors[:, k])
    np.testing.assert_allclose(np.cov(draws.T), expected, atol=0.03 * expected.max())
    np.testing.assert_allclose(draws.mean(0), 0, atol=0.1)
    # Orthonormal directions
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=2e-3)


def test_one_colour_for_all_pixels_and_no_wrap_around(image):
    whole = np.zeros((4, 4, 3), np.uint8)
    np.random.seed(1)
    out = PCANoise(std=1.0)(dict(img=whole))['img']
    assert out.dtype == np.float32
    assert (out == out[0, 0]).all()
    assert out.min() < 0 or out.max() < 255
    np.testing.assert_array_equal(PCANoise(std=0)(dict(img=image))['img'], image)


def test_errors(image):
    with pytest.raises(UserError, match=r'std=-0\.1 is negative'):
        PCANoise(std=-0.1)
    with pytest.raises(UserError, match='have to be 3 numbers and 3 rows of 3, got 2 and'):
        PCANoise(eigenvalues=(1, 2), eigenvectors=((1, 2), (3, 4), (5, 6)))
    with pytest.raises(UserError, match=r'grey\.png has the shape'):
        PCANoise()(dict(img=image[..., :1], img_path='grey.png'))
