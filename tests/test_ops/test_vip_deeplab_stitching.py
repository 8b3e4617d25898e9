"""Stitching against loops; identities through whole clips."""

import numpy as np
import pytest
import torch

from mmvisx.datasets.transforms import GeneratePanopticTargets
from mmvisx.evaluation import DVPQMetric
from mmvisx.ops.vip_deeplab_grouping import find_centres, group_frames
from mmvisx.ops.vip_deeplab_stitching import match_segments, propagate_ids
from tests.helpers.vip_deeplab import CLASSES, IGNORE, THINGS, frames, moving_clip


def slow_matches(first, second):
    """Compare every segment with every other."""

    def best(code, own, others):
        """Best by IoU, then the smallest id; None where nothing overlaps."""
        candidates = []
        for other in others.unique().tolist():
            a, b = own == code, others == other
            if other // 1000 and other % 1000 == code % 1000 and (a & b).any():
                candidates.append((-(a & b).sum().item() / (a | b).sum().item(), other))
        return min(candidates)[1] if candidates else None

    found = {}
    for code in second.unique().tolist():
        if code // 1000:
            partner = best(code, second, first)
            if partner is not None and best(partner, first, second) == code:
                found[code] = partner
    return found


@pytest.mark.parametrize('ids', [1, 2, 5])
def test_matches_by_a_loop(ids):
    matched = 0
    for seed in range(30):
        generator = torch.manual_seed(seed)
        # Few pixels and classes: ties, ids of two classes, id 0, and both ids of one class
        first, second = (
            torch.randint(0, 2, (4, 5), generator=generator)
            + 1000 * torch.randint(0, ids + 1, (4, 5), generator=generator)
            for _ in range(2)
        )
        found = match_segments(first, second)
        assert found == slow_matches(first, second)
        assert len(set(found.values())) == len(found)
        matched += len(found)
    assert matched > 30


def test_ties_go_to_the_smaller_id():
    first = torch.tensor([[1001, 1001, 2001, 2001]])
    second = torch.tensor([[3001, 4001, 3001, 4001]])
    assert match_segments(first, second) == {3001: 1001}
    assert match_segments(second, first) == {1001: 3001}


@pytest.mark.parametrize('codes', [[[0, 1, 2]], [[IGNORE] * 3]])
def test_maps_without_objects(codes):
    codes, objects = torch.tensor(codes), torch.tensor([[1001, 1001, 2001]])
    assert match_segments(codes, codes) == {}
    assert match_segments(codes, objects) == match_segments(objects, codes) == {}
    (same,), free = propagate_ids([codes], objects, 7)
    assert (same.tolist(), free) == (codes.tolist(), 7)


def test_unmatched_ids_count_up():
    first = torch.tensor([[1001, 2001, 3000, 0]])
    # The object 9 is only in the next frame
    (p0, r0), free = propagate_ids([first, torch.tensor([[1001, 9001, 3000, 0]])], None, 1)
    assert (p0.tolist(), r0.tolist(), free) == ([[1001, 2001, 3000, 0]], [[1001, 4001, 3000, 0]], 5)
    # 5 is what was 1, 4 is what was 9; where the last one is, there was nothing of its class
    (p1, r1), free = propagate_ids([torch.tensor([[5001, 4001, 8000, 8002]])] * 2, r0, free)
    assert p1.tolist() == r1.tolist() == [[1001, 4001, 3000, 5002]]
    assert free == 6


def test_ids_are_never_used_twice():
    """What is gone for a frame comes back as a new object, whatever ids the pairs have."""
    here, gone = torch.tensor([[1001, 1001]]), torch.tensor([[0, 0]])
    seen, previous, free = [], None, 1
    for pair in ([here, gone], [gone, here], [here, gone], [gone, gone], [here]):
        found, free = propagate_ids(pair, previous, free)
        previous = found[-1]
        seen.append(found[0].unique().tolist())
    assert seen[0] == [1001]
    assert seen[1] == seen[3] == [0]
    assert seen[2] == [2001]  # the second pair had told of it
    assert seen[4] == [3001]


def stitched(codes, by_overlap=False, nowhere=1e4, reject_distance=8.0):
    """Feed the true centres, offsets and classes of a clip; return the maps."""
    targets = GeneratePanopticTargets(sigma=2.0)
    maps, previous, free = [], None, 1
    for t in range(len(codes)):
        sample = dict(gt_panoptic_map=codes[t], thing_labels=range(THINGS))
        if t + 1 < len(codes):
            sample['next_gt_panoptic_map'] = codes[t + 1]
        sample = targets(sample)['gt_targets']
        offsets = [sample['offset']]
        if 'next_offset' in sample:
            away = np.float32(nowhere) * ~sample['next_offset_mask']
            offsets.append(sample['next_offset'] + away)
        pair = group_frames(
            [torch.from_numpy(c % 1000) for c in codes[t : t + 2]],
            [torch.from_numpy(o) for o in offsets],
            find_centres(torch.from_numpy(sample['centre'][0])),
            range(THINGS),
            reject_distance=reject_distance,
        )
        pair, free = propagate_ids(pair[:1] if by_overlap else pair, previous, free)
        previous = pair[-1]
        maps.append(pair[0].numpy())
    return np.stack(maps)


def quality(true, predicted):
    """Return all metrics."""
    metric = DVPQMetric(thresholds=())
    names = tuple('abcd'[:CLASSES])
    metric.dataset_meta = dict(classes=names, thing_classes=names[:THINGS])
    depth = np.zeros(true.shape)
    samples = frames((true, predicted, depth, depth))
    metric.process({}, samples)
    return metric.evaluate(len(samples))


@pytest.mark.parametrize('motion', [(0.1, 0.3), (1.0, 1.5)])
def test_what_is_true_comes_back_exactly(motion):
    by_overlap = []
    for seed in range(8):
        true = moving_clip(seed, motion)
        found = stitched(true)
        # Ids are other numbers, one for each
        pairs = {*zip(true.ravel().tolist(), found.ravel().tolist(), strict=True)}
        assert len(pairs) == len({t for t, _ in pairs}) == len({f for _, f in pairs})
        assert all(t % 1000 == f % 1000 and (t < 1000) == (f < 1000) for t, f in pairs)
        assert quality(true, found)['dvps/VPQ_k4'] == 1
        by_overlap.append(quality(true, stitched(true, by_overlap=True))['dvps/VPQ_k4_th'])
    if motion[0] >= 1:  # nothing overlaps itself in the next frame
        assert max(by_overlap) < 1
        assert np.mean(by_overlap) < 0.6


def test_rejecting_keeps_new_objects_out_of_old_ones():
    """Where new objects' pixels stay at their own place, they join the nearest old object."""
    found = {True: [], False: []}
    for seed in range(8):
        true = moving_clip(seed, (1.0, 1.5))
        for reject in found:
            maps = stitched(true, nowhere=0, reject_distance=2.0 if reject else np.inf)
            found[reject].append(quality(true, maps)['dvps/VPQ_k4_th'])
    assert np.mean(found[True]) > np.mean(found[False])
