"""The factors of hue, saturation and brightness; the printed pipeline's noise."""

import colorsys

import numpy as np
import pytest
from mmpretrain.registry import TRANSFORMS as MMPRETRAIN_TRANSFORMS

from mmvisx.datasets.transforms import HSVJitter
from mmvisx.datasets.transforms.bag_of_tricks_hsv_jitter import scale_hsv
from mmvisx.utils import UserError


@pytest.fixture
def image():
    """Noise, with the colours at which the conversion has its corners."""
    pixels = np.random.default_rng(0).uniform(0, 255, (6, 7, 3))
    corners = [[0, 0, 0], [255, 255, 255], [0, 0, 255], [255, 0, 0], [0, 255, 255], [90, 90, 90]]
    pixels[0, :6] = corners
    return pixels.astype(np.float32)


def slow_scale(image, hue, saturation, brightness):
    """Pixel by pixel with Python's own conversion."""
    out = np.empty_like(image)
    for index in np.ndindex(image.shape[:2]):
        blue, green, red = (float(c) / 255 for c in image[index])
        h, s, v = colorsys.rgb_to_hsv(red, green, blue)
        rgb = colorsys.hsv_to_rgb((h * hue) % 1.0, min(s * saturation, 1), min(v * brightness, 1))
        out[index] = [255 * c for c in reversed(rgb)]
    return out


@pytest.mark.parametrize(
    'factors', [(1, 1, 1), (0.6, 0.6, 0.6), (1.4, 1.4, 1.4), (1.37, 0.8, 1.1), (0.7, 1.2, 0.9)]
)
def test_against_a_slow_loop(image, factors):
    np.testing.assert_allclose(scale_hsv(image, *factors), slow_scale(image, *factors), atol=1e-2)


def test_nothing_changes_with_factors_of_one(image):
    transform = HSVJitter((1, 1), (1, 1), (1, 1))
    before = image.copy()
    np.testing.assert_allclose(transform(dict(img=image))['img'], before, atol=1e-3)
    np.testing.assert_array_equal(image, before)


def test_factors_are_uniform_from_0_6_to_1_4():
    np.random.seed(0)
    draws = np.array([list(HSVJitter().draw_factors().values()) for _ in range(4000)])
    assert draws.min() >= 0.6
    assert draws.max() <= 1.4
    np.testing.assert_allclose(draws.mean(0), 1, atol=0.015)
    np.testing.assert_allclose(draws.std(0), 0.8 / 12**0.5, atol=0.01)
    # The three are drawn one by one.
    assert abs(np.corrcoef(draws.T)[np.triu_indices(3, 1)]).max() < 0.05


def test_whole_numbers_become_float32(image):
    out = HSVJitter()(dict(img=image.astype(np.uint8)))['img']
    assert out.dtype == np.float32
    assert out.min() >= 0
    assert out.max() <= 255


def test_mmpretrains_color_jitter_is_another_transform(image):
    whole = image.astype(np.uint8)
    theirs = MMPRETRAIN_TRANSFORMS.build(
        dict(type='mmpretrain.ColorJitter', saturation=(0.6, 0.6), backend='cv2')
    )
    ours = HSVJitter(hue=(1, 1), saturation=(0.6, 0.6), brightness=(1, 1))
    difference = theirs(dict(img=whole.copy()))['img'] - ours(dict(img=whole.copy()))['img']
    assert abs(difference).max() > 20


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(hue=(1.4, 0.6)), r'hue=\(1.4, 0.6\) is not'),
        (dict(brightness=(-0.1, 1)), r'brightness=\(-0.1, 1\) is not'),
        (dict(saturation=(1,)), r'saturation=\(1,\) is not'),
    ],
)
def test_wrong_ranges(arguments, message):
    with pytest.raises(UserError, match=message):
        HSVJitter(**arguments)


def test_grey_images_are_an_error(image):
    with pytest.raises(UserError, match=r'grey\.png has the shape'):
        HSVJitter()(dict(img=image[..., :1], img_path='grey.png'))
