"""VPQ and DVPQ: sets of pixels, PQ of images side by side, and by hand."""

import numpy as np
import pytest

from mmvisx.evaluation.panoptic.quality import panoptic_statistics
from mmvisx.evaluation.panoptic.vip_deeplab_counts import count_segments, depth_errors, within
from mmvisx.evaluation.panoptic.vip_deeplab_quality import (
    DVPQScores,
    SegmentKinds,
    clip_statistics,
)
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab import CLASSES, IGNORE, THINGS, code, random_clip, reference

KINDS = SegmentKinds(np.arange(CLASSES) < THINGS)
LAMBDAS = ('0.1', '0.25', '0.5')


def counted(clip, thresholds=()):
    """Return the counts of the frames."""
    found = []
    for true, predicted, depth, guess in zip(*clip, strict=True):
        errors = depth_errors(guess, depth)
        near = [within(errors, float(threshold)) for threshold in thresholds]
        found.append(count_segments(true, predicted, near))
    return found


@pytest.mark.parametrize('group', range(10))
def test_sets_of_pixels_say_the_same(group):
    occurred = np.zeros((CLASSES, 4))
    for seed in range(20 * group, 20 * group + 20):
        clip = random_clip(seed)
        kinds = SegmentKinds(KINDS.things, zero_is_crowd=bool(seed % 2))
        sizes = [1, 2, len(clip[0])]
        threshold = LAMBDAS[seed % 3]
        found = clip_statistics(counted(clip, [threshold]), sizes, kinds)
        for k, size in enumerate(sizes):
            for level, value in enumerate([threshold, None]):
                expected = reference(clip, size, value, kinds.zero_is_crowd)
                assert found[k, level] == pytest.approx(expected, abs=1e-9), (seed, size, value)
                occurred += expected
    assert (occurred[:, 1:] > 5).all()  # matches, false positives and misses of each class


def test_thresholds_together_are_those_alone():
    clip = random_clip(0)
    together = clip_statistics(counted(clip, LAMBDAS), [1, 3], KINDS)
    for level, threshold in enumerate(LAMBDAS):
        alone = clip_statistics(counted(clip, [threshold]), [1, 3], KINDS)
        assert (together[:, [level, -1]] == alone).all()


@pytest.mark.parametrize('zero_is_crowd', [False, True])
@pytest.mark.parametrize('size', [1, 2, 4])
def test_windows_are_images_side_by_side(size, zero_is_crowd):
    """Eq. 7.2, by COCO's panoptic quality; a window of one frame is its image."""
    kinds = SegmentKinds(KINDS.things, zero_is_crowd=zero_is_crowd)
    for seed in range(12):
        clip = random_clip(seed)
        true, predicted = clip[:2]
        true[true == true.max()] = code(IGNORE, 0)  # COCO knows no crowds of all classes
        true[true % 1000 == IGNORE] = code(IGNORE, 0)
        expected = np.zeros((CLASSES, 4))
        for start in range(len(true) - size + 1):
            maps, segments = [], []
            for codes in (true, predicted):
                side_by_side = np.concatenate(codes[start : start + size], axis=1)
                values, numbers = np.unique(side_by_side, return_inverse=True)
                known = values % 1000 < CLASSES
                maps.append(((numbers + 1) * known[numbers]).reshape(side_by_side.shape))
                segments.append(
                    [
                        {
                            'id': k + 1,
                            'category_id': value % 1000,
                            'iscrowd': zero_is_crowd and value < THINGS,
                        }
                        for k, value in enumerate(values.tolist())
                        if known[k]
                    ]
                )
            expected += panoptic_statistics(*maps, *segments, range(CLASSES))
        found = clip_statistics(counted(clip), [size], kinds)
        assert found[0, -1] == pytest.approx(expected, abs=1e-9)


def switch(areas):
    """Return one thing of 1 x ``areas`` pixels in each frame, whose id changes after the second."""
    true = np.full((4, 1, 8), code(IGNORE, 0))
    predicted = np.full((4, 1, 8), code(IGNORE, 0))
    for t, area in enumerate(areas):
        true[t, :, :area], predicted[t, :, :area] = code(0, 1), code(0, 7 + (t > 1))
    return true, predicted, np.zeros((4, 1, 8)), np.zeros((4, 1, 8))


@pytest.mark.parametrize(
    ('areas', 'size', 'expected'),
    [
        ((2, 2, 2, 2), 1, [4, 4, 0, 0]),
        # The window over the switch: both parts are half of the track and match nothing
        ((2, 2, 2, 2), 2, [2, 2, 2, 1]),
        ((2, 2, 2, 2), 3, [4 / 3, 2, 2, 0]),
        ((2, 2, 2, 2), 4, [0, 0, 2, 1]),
        # The larger part matches: 3 of 4, and 6 of 7 and 3 of 5, and 6 of 8
        ((1, 1, 3, 3), 2, [2.75, 3, 1, 0]),
        ((1, 1, 3, 3), 3, [6 / 7 + 3 / 5, 2, 2, 0]),
        ((1, 1, 3, 3), 4, [0.75, 1, 1, 0]),
    ],
)
def test_id_switches_by_hand(areas, size, expected):
    found = clip_statistics(counted(switch(areas)), [size], KINDS)
    assert found[0, -1, 0] == pytest.approx(np.array(expected))


def test_wrong_depth_takes_pixels_from_the_prediction_only():
    # One segment of ten pixels, right but for depth: three are 30 % off, one has no true depth
    codes = np.full((1, 1, 10), code(3, 0))
    depth = np.array([[[10.0] * 9 + [0]]])
    guess = depth.copy()
    guess[..., :3] = 13
    guess[..., 9] = 50
    found = clip_statistics(counted((codes, codes, depth, guess), LAMBDAS), [1], KINDS)
    assert found[0, :, 3].tolist() == [[0.7, 1, 0, 0], [0.7, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]
    # Six are: what is left is less than half, and still the segment was predicted
    guess[..., :6] = 13
    found = clip_statistics(counted((codes, codes, depth, guess), LAMBDAS), [1], KINDS)
    assert found[0, :, 3, 1:].tolist() == [[0, 1, 1], [0, 1, 1], [1, 0, 0], [1, 0, 0]]
    # All are: there is no segment left that could be a false positive
    guess[..., :9], guess[..., 9:] = 13, 13
    depth[..., 9] = 10
    found = clip_statistics(counted((codes, codes, depth, guess), LAMBDAS), [1], KINDS)
    assert found[0, :, 3, 1:].tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize('threshold', LAMBDAS)
def test_an_error_of_exactly_the_threshold_passes(threshold, dtype):
    depth = np.arange(20, 40000, 20)
    off = (depth * float(threshold)).round().astype(int)
    for sign in (1, -1):
        errors = depth_errors((depth + sign * off).astype(dtype), depth.astype(dtype))
        assert within(errors, float(threshold)).all()
        errors = depth_errors((depth + sign * (off + 1)).astype(dtype), depth.astype(dtype))
        assert not within(errors, float(threshold)).any()
    metres = depth / np.float32(256)
    errors = depth_errors(metres * np.float32(1 + float(threshold)), metres)
    assert within(errors, float(threshold)).all()


def scores(average):
    """Two classes of things, the second absent, and one of stuff."""
    statistics = np.zeros((2, 2, 3, 4))
    statistics[:, :, 0] = [[[0.8, 1, 0, 0], [0.9, 1, 0, 0]], [[0.6, 1, 1, 1], [0.8, 1, 0, 0]]]
    statistics[:, :, 2] = [0.5, 1, 2, 0]
    categories = [dict(name=n, isthing=n != 'sky') for n in ('car', 'bus', 'sky')]
    return DVPQScores(statistics, [1, 2], [0.25], categories, average)


def test_means_over_the_classes_that_occur_and_over_all():
    metrics = scores('present').metrics()
    assert metrics == pytest.approx(
        {
            'DVPQ': (0.8 + 0.25 + 0.3 + 0.25) / 4, 'DVPQ_th': 0.55, 'DVPQ_st': 0.25,
            'VPQ': (0.9 + 0.25 + 0.8 + 0.25) / 4, 'VPQ_th': 0.85, 'VPQ_st': 0.25,
            'DVPQ_k1_0.25': 0.525, 'DVPQ_k1_0.25_th': 0.8, 'DVPQ_k1_0.25_st': 0.25,
            'DVPQ_k2_0.25': 0.275, 'DVPQ_k2_0.25_th': 0.3, 'DVPQ_k2_0.25_st': 0.25,
            'VPQ_k1': 0.575, 'VPQ_k1_th': 0.9, 'VPQ_k1_st': 0.25,
            'VPQ_k2': 0.525, 'VPQ_k2_th': 0.8, 'VPQ_k2_st': 0.25,
        }
    )  # fmt: skip
    metrics = scores('all').metrics()
    assert metrics['VPQ_k1'] == pytest.approx((0.9 + 0.25) / 3)
    assert metrics['VPQ_k1_th'] == pytest.approx(0.45)
    assert metrics['VPQ_k1_st'] == pytest.approx(0.25)
    assert np.isnan(scores('all').per_class()[0, 0, 1])


def test_maps_that_do_not_fit():
    small, large = np.zeros((2, 3), int), np.zeros((2, 4), int)
    with pytest.raises(UserError, match=r'panoptic map of the prediction has the shape \(2, 3\)'):
        count_segments(large, small)
    with pytest.raises(UserError, match=r'depth map of the prediction has the shape \(2, 3\)'):
        depth_errors(small, large)
    with pytest.raises(UserError, match='of the ground truth holds -1 to 0'):
        count_segments(np.array([[-1, 0]]), np.zeros((1, 2), int))
    for broken in (np.nan, np.inf):
        with pytest.raises(UserError, match='depth of the prediction holds NaN or infinity'):
            depth_errors(np.array([[broken]]), np.ones((1, 1)))
