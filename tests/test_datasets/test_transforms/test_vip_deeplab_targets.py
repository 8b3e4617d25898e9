"""Targets against a loop over the pixels."""

import numpy as np
import pytest

from mmvisx.datasets.transforms import GeneratePanopticTargets
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab import CLASSES, IGNORE, THINGS, code

SHAPE = (9, 13)


def random_map(seed):
    """Objects that touch the border, have holes or one pixel; crowds, stuff, void."""
    rng = np.random.default_rng(seed)
    choice = [code(k, 0) for k in range(CLASSES)] + [code(IGNORE, 0), code(IGNORE, 5)]
    choice += [code(0, 2**20), code(1, 2**20), code(1, 3), code(0, 1)]
    codes = rng.choice(choice, (3, 5)).repeat(3, 0).repeat(3, 1)[:, : SHAPE[1]].astype(np.int32)
    codes[rng.random(SHAPE) < 0.1] = code(0, 7)
    return codes


def slow_targets(codes, following, sigma, small_area, small_weight):
    """Work every pixel out alone."""
    height, width = codes.shape
    centres = {}
    for one in set(codes.ravel().tolist()):
        if one % 1000 < THINGS and one >= 1000:
            places = np.argwhere(codes == one).tolist()
            centres[one] = tuple(
                int(sum(p[axis] for p in places) / len(places) + 0.5) for axis in (0, 1)
            )
    out = {key: np.zeros((1, *SHAPE)) for key in ('semantic', 'centre')}
    out['semantic_weight'] = np.ones((1, *SHAPE))
    out |= {f'{k}_mask': np.zeros((1, *SHAPE), bool) for k in ('centre', 'offset', 'next_offset')}
    out |= {key: np.zeros((2, *SHAPE)) for key in ('offset', 'next_offset')}
    for y in range(height):
        for x in range(width):
            one = int(codes[y, x])
            crowd = one % 1000 < THINGS and one < 1000
            ignored = one % 1000 == IGNORE or crowd
            out['semantic'][0, y, x] = IGNORE if ignored else one % 1000
            out['centre_mask'][0, y, x] = not ignored
            if one in centres and (codes == one).sum() < small_area:
                out['semantic_weight'][0, y, x] = small_weight
            reach = int(np.ceil(3 * sigma))
            for cy, cx in centres.values():
                if max(abs(y - cy), abs(x - cx)) <= reach:
                    value = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
                    out['centre'][0, y, x] = max(out['centre'][0, y, x], value)
            for prefix, codes_there in (('', codes), ('next_', following)):
                there = int(codes_there[y, x])
                if there in centres:
                    out[f'{prefix}offset_mask'][0, y, x] = True
                    cy, cx = centres[there]
                    out[f'{prefix}offset'][:, y, x] = cy - y, cx - x
    return out


def targets(codes, following=None, things=range(THINGS), **config):
    """Return the targets of a frame or a pair."""
    sample = dict(gt_panoptic_map=codes, thing_labels=things)
    if following is not None:
        sample['next_gt_panoptic_map'] = following
    return GeneratePanopticTargets(**config)(sample)['gt_targets']


@pytest.mark.parametrize('sigma', [0.7, 2.0, 8.0])
def test_targets_by_a_loop(sigma):
    for seed in range(12):
        codes, following = random_map(seed), random_map(seed + 100)
        found = targets(codes, following, sigma=sigma, small_area=7, small_weight=3.0)
        expected = slow_targets(codes, following, sigma, 7, 3.0)
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            kind = bool if 'mask' in key else np.int64 if key == 'semantic' else np.float32
            assert found[key].dtype == kind
            assert found[key].shape == values.shape
            assert np.allclose(found[key], values, atol=1e-6), (seed, key)


def test_one_frame_has_no_targets_of_the_next():
    assert not [key for key in targets(random_map(0)) if key.startswith('next_')]


def test_depth_is_a_target_where_there_is_any():
    depth = np.random.default_rng(0).random(SHAPE, np.float32)
    sample = dict(gt_panoptic_map=random_map(0), thing_labels=(0,), gt_depth_map=depth)
    found = GeneratePanopticTargets()(sample)['gt_targets']['depth']
    assert found.shape == (1, *SHAPE)
    assert (found[0] == depth).all()
    assert 'depth' not in targets(random_map(0))


def test_centres_are_of_visible_pixels_and_whole():
    codes = np.zeros((4, 6), np.int32)
    codes[1:3, 1:5] = code(1, 1)  # the mean is (1.5, 2.5)
    found = targets(codes, things=(1,))
    assert np.argwhere(found['centre'][0] == 1).tolist() == [[2, 3]]
    codes[1, 1:] = 0
    found = targets(codes, things=(1,))
    assert np.argwhere(found['centre'][0] == 1).tolist() == [[2, 3]]
    assert found['offset'][:, 2, 1].tolist() == [0, 2]


def test_frame_without_objects():
    codes = np.full((4, 6), code(2, 0), np.int32)
    found = targets(codes, codes + 1000 - 2)
    assert found['centre_mask'].all()
    for key in ('centre', 'offset', 'offset_mask', 'next_offset_mask'):
        assert not found[key].any()


def test_frames_of_different_size_are_named():
    sample = dict(
        gt_panoptic_map=np.zeros((4, 6), np.int32),
        next_gt_panoptic_map=np.zeros((4, 5), np.int32),
        thing_labels=(0,),
        video_id='clip7',
        frame_id=3,
    )
    with pytest.raises(UserError, match=r'pair clip7, 3 have \(4, 6\) and \(4, 5\) pixels'):
        GeneratePanopticTargets()(sample)
