"""One draw for both frames, labels and depth."""

import copy

import cv2
import numpy as np
import pytest
from mmpretrain.datasets.transforms import AutoAugment

from mmvisx.datasets.transforms import (
    FrameAutoAugment,
    RandomFrameCrop,
    RandomFrameFlip,
    RandomFrameRotation,
    RandomFrameScale,
)
from mmvisx.datasets.transforms.vip_deeplab_frames import _colour_policies
from mmvisx.utils.errors import UserError

HEIGHT, WIDTH = 20, 30
KINDS = ('img', 'gt_panoptic_map', 'gt_depth_map')


def sample(seed=0):
    """A pair whose two frames are the same: what is done to them must be, too."""
    rng = np.random.default_rng(seed)
    results = dict(img_path='one.png')
    results['img'] = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    # The place of a pixel is its code and its depth.
    results['gt_panoptic_map'] = np.arange(HEIGHT * WIDTH, dtype=np.int32).reshape(HEIGHT, WIDTH)
    results['gt_depth_map'] = results['gt_panoptic_map'].astype(np.float32)
    for kind in KINDS:
        results[f'next_{kind}'] = results[kind].copy()
    return results


TRANSFORMS = [
    RandomFrameScale(),
    RandomFrameCrop((10, 12)),
    RandomFrameCrop((25, 12), pad=True),
    RandomFrameFlip(),
    RandomFrameRotation(),
    FrameAutoAugment(),
]


@pytest.mark.parametrize('transform', TRANSFORMS, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize('pair', [True, False])
def test_one_draw_for_both_frames(transform, pair):
    changed = set()
    for seed in range(12):
        np.random.seed(seed)
        given = sample()
        if not pair:
            given = {key: v for key, v in given.items() if not key.startswith('next_')}
        done = transform(copy.deepcopy(given))
        assert done.keys() - {'img_shape', 'scale_factor', 'flip'} == given.keys()
        shapes = {done[k].shape[:2] for k in done if k.removeprefix('next_') in KINDS}
        assert len(shapes) == 1
        for kind in KINDS if pair else ():
            # AutoAugment sharpens over the seam of the two frames, a row of each
            inside = slice(2, -2) if kind == 'img' else slice(None)
            assert np.array_equal(done[kind][inside], done[f'next_{kind}'][inside])
        for kind in KINDS:
            assert done[kind].dtype == given[kind].dtype
        changed.add(done['img'].tobytes())
    assert len(changed) > 1


@pytest.mark.parametrize('scale', [0.5, 1.0, 1.7, 2.0])
def test_depth_is_divided_by_the_scale(scale):
    given = sample()
    given['gt_depth_map'][:] = 6.0
    given['gt_depth_map'][np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.5] = 0  # sparse
    done = RandomFrameScale([scale])(given)
    shape = (round(HEIGHT * scale), round(WIDTH * scale))
    assert done['img'].shape == (*shape, 3)
    assert done['img_shape'] == shape
    known = done['gt_depth_map'] > 0
    assert 0.3 < known.mean() < 0.7
    assert done['gt_depth_map'][known] == pytest.approx(6 / scale)
    assert done['scale_factor'] == (scale, scale)
    assert set(np.unique(done['gt_panoptic_map'])) <= set(range(HEIGHT * WIDTH))
    if scale == 2:
        assert np.array_equal(done['gt_panoptic_map'][::2, ::2], sample()['gt_panoptic_map'])


def test_scales_are_the_given_ones():
    np.random.seed(0)
    seen = {RandomFrameScale()(sample())['scale_factor'][0] for _ in range(200)}
    assert seen == {k / 10 for k in range(5, 21)}


def test_a_crop_is_a_window():
    corners = set()
    for seed in range(40):
        np.random.seed(seed)
        done = RandomFrameCrop((18, 27))(sample())
        top, left = divmod(int(done['gt_panoptic_map'][0, 0]), WIDTH)
        for kind in KINDS:
            window = sample()[kind][top : top + 18, left : left + 27]
            assert np.array_equal(done[kind], window)
        corners.add((top, left))
    assert {c[0] for c in corners} == {0, 1, 2}  # both ends
    assert {c[1] for c in corners} == {0, 1, 2, 3}


def test_a_crop_larger_than_the_image():
    message = r'size=\(21, 12\) .*larger than one\.png, which has \(20, 30\).*pad=True'
    with pytest.raises(UserError, match=message):
        RandomFrameCrop((21, 12))(sample())
    done = RandomFrameCrop((24, 33), pad=True)(sample())
    for kind, empty in (('img', 0), ('gt_panoptic_map', 255), ('gt_depth_map', 0)):
        assert np.array_equal(done[kind][:HEIGHT, :WIDTH], sample()[kind])
        assert (done[kind][HEIGHT:] == empty).all()
        assert (done[kind][:, WIDTH:] == empty).all()


def test_flips():
    done = RandomFrameFlip(1.0)(sample())
    for kind in KINDS:
        assert np.array_equal(done[kind], sample()[kind][:, ::-1])
    assert RandomFrameFlip(0.0)(sample())['flip'] is False
    np.random.seed(0)
    assert 30 < sum(RandomFrameFlip()(sample())['flip'] for _ in range(100)) < 70


def test_rotation_against_the_formula():
    """A pixel of the turned map has the value of the pixel that it comes from."""
    np.random.seed(8)
    angle = np.random.uniform(-20, 20)
    assert angle > 10
    np.random.seed(8)
    done = RandomFrameRotation(20.0)(sample())
    rows, columns = np.indices((HEIGHT, WIDTH))
    y, x = rows - (HEIGHT - 1) / 2, columns - (WIDTH - 1) / 2
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    source_x = x * cos + y * sin + (WIDTH - 1) / 2  # mmcv turns clockwise
    source_y = -x * sin + y * cos + (HEIGHT - 1) / 2
    near_x, near_y = np.round(source_x), np.round(source_y)
    # away from the edge between two pixels, where rounding decides
    clear = (np.abs(source_x - near_x) < 0.4) & (np.abs(source_y - near_y) < 0.4)
    inside = (near_x >= 0) & (near_x < WIDTH) & (near_y >= 0) & (near_y < HEIGHT)
    wanted = np.where(inside, near_y * WIDTH + near_x, 255)
    assert clear.mean() > 0.5
    assert np.array_equal(done['gt_panoptic_map'][clear], wanted[clear])
    empty = clear & ~inside
    assert empty.any()
    assert (done['gt_depth_map'][empty] == 0).all()
    kept = clear & inside
    assert np.array_equal(done['gt_depth_map'][kept], wanted[kept])


def test_angles_stay_within_the_degrees(monkeypatch):
    angles = []
    monkeypatch.setattr(
        'mmvisx.datasets.transforms.vip_deeplab_frames.mmcv.imrotate',
        lambda array, angle, **_: angles.append(angle) or array,
    )
    for _ in range(60):
        RandomFrameRotation(5.0)(sample())
    assert -5 <= min(angles) < -3
    assert 3 < max(angles) <= 5


def test_colours_change_and_nothing_else():
    transform = FrameAutoAugment()
    changed = 0
    for seed in range(10):
        np.random.seed(seed)
        done = transform(sample())
        assert np.array_equal(done['gt_panoptic_map'], sample()['gt_panoptic_map'])
        assert np.array_equal(done['gt_depth_map'], sample()['gt_depth_map'])
        changed += not np.array_equal(done['img'], sample()['img'])
    assert changed >= 4


def test_no_policy_moves_pixels():
    types = {step['type'] for policy in _colour_policies() for step in policy}
    assert not types & {f'mmpretrain.{name}' for name in ('Rotate', 'Shear', 'Translate', 'Cutout')}
    assert 'mmpretrain.Equalize' in types
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    for policy in _colour_policies():
        np.random.seed(1)
        image = AutoAugment([policy])(dict(img=cv2.merge([ramp] * 3)))['img']
        # A ramp stays one: equal columns stay equal.
        assert np.ptp(image[2:-2].astype(int), axis=0).max() <= 1


def test_wrong_scales():
    with pytest.raises(UserError, match=r'scales=\[0.5, 0\]'):
        RandomFrameScale([0.5, 0])
