"""Centres and grouping against loops over pixels; memory."""

import math

import pytest
import torch

from mmvisx.ops import vip_deeplab_grouping
from mmvisx.ops.vip_deeplab_grouping import VOID, find_centres, group_frames, nearest_centres
from mmvisx.utils.measure import peak_memory

THINGS = (1, 2)


def slow_centres(heatmap, threshold, window, most):
    """Look at the square around every pixel."""
    height, width = heatmap.shape
    half, found = window // 2, []
    for y in range(height):
        for x in range(width):
            around = heatmap[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
            if heatmap[y, x] > threshold and (around <= heatmap[y, x]).all():
                found.append((-heatmap[y, x].item(), y, x))
    return [[y, x] for _, y, x in sorted(found)[:most]]


@pytest.mark.parametrize(('window', 'most'), [(3, 400), (5, 400), (13, 400), (3, 4)])
def test_centres_by_a_loop(window, most):
    for seed in range(10):
        # Few values, so that many are equal
        heatmap = torch.randint(0, 6, (11, 17), generator=torch.manual_seed(seed)) / 10
        found = find_centres(heatmap, 0.1, window, most)
        assert found.tolist() == slow_centres(heatmap, 0.1, window, most)


def test_no_centre():
    assert find_centres(torch.full((5, 6), 0.1)).shape == (0, 2)
    assert find_centres(torch.zeros(5, 6)).shape == (0, 2)


def test_the_best_centres_of_the_document():
    heatmap = torch.zeros(400, 400)
    heatmap[::13, ::13] = torch.rand(31, 31) * 0.8 + 0.11
    found = find_centres(heatmap)
    assert len(found) == 400
    values = heatmap[found[:, 0], found[:, 1]]
    assert values.tolist() == heatmap.flatten().sort(descending=True).values[:400].tolist()


def slow_groups(classes, offsets, centres, stuff_area=0, reject_distance=math.inf):
    """Ask every pixel for its centre, and every object for its class."""
    members, codes = {}, [torch.full(c.shape, VOID) for c in classes]
    for t, labels in enumerate(classes):
        for y in range(labels.shape[0]):
            for x in range(labels.shape[1]):
                label = int(labels[y, x])
                if label not in THINGS:
                    if (labels == label).sum() >= stuff_area:
                        codes[t][y, x] = label
                    continue
                at = torch.tensor([y, x]) + offsets[t][:, y, x]
                distances = [float(((at - c) ** 2).sum()) for c in centres]
                if distances:
                    nearest = distances.index(min(distances))
                    if t == 0 or distances[nearest] <= reject_distance**2:
                        members.setdefault(nearest, []).append((t, y, x))
    for number, pixels in members.items():
        votes = [int(classes[t][y, x]) for t, y, x in pixels]
        winner = min(THINGS, key=lambda label: (-votes.count(label), label))
        for t, y, x in pixels:
            codes[t][y, x] = winner + 1000 * (number + 1)
    return codes


@pytest.mark.parametrize('number', [0, 1, 5])
@pytest.mark.parametrize(
    'more', [{}, dict(stuff_area=12), dict(reject_distance=2.0), dict(reject_distance=0.0)]
)
def test_groups_by_a_loop(number, more):
    for seed in range(6):
        generator = torch.manual_seed(seed)
        frames = 1 + seed % 2
        classes = [torch.randint(0, 5, (6, 9), generator=generator) for _ in range(frames)]
        # Whole pixels: many are as near to two centres
        offsets = [
            torch.randint(-3, 4, (2, 6, 9), generator=generator).float() for _ in range(frames)
        ]
        centres = torch.randint(0, 6, (number, 2), generator=generator)
        found = group_frames(classes, offsets, centres, THINGS, **more)
        expected = slow_groups(classes, offsets, centres, **more)
        assert [f.tolist() for f in found] == [e.tolist() for e in expected]


def test_the_next_frame_is_to_the_right():
    """Side by side with an x offset less W is the same as one on the other."""
    generator = torch.manual_seed(0)
    classes = [torch.randint(0, 5, (6, 9), generator=generator) for _ in range(2)]
    offsets = [torch.randn(2, 6, 9, generator=generator) for _ in range(2)]
    centres = torch.tensor([[1, 2], [4, 4], [2, 7]])
    right = offsets[1] - torch.tensor([0, 9])[:, None, None]
    (together,) = slow_groups(
        [torch.cat(classes, dim=1)], [torch.cat([offsets[0], right], dim=2)], centres
    )
    found = group_frames(classes, offsets, centres, THINGS)
    assert torch.cat(found, dim=1).tolist() == together.tolist()


def test_a_new_object_joins_an_old_one_or_is_rejected():
    """A truck comes in far away from the only car, and is more pixels than the car."""
    labels, following = torch.zeros(2, 4, 12, dtype=torch.long)
    labels[1:3, 1:3] = following[1:3, 2:4] = 1
    following[:, 8:] = 2
    offsets = torch.zeros(2, 2, 4, 12)
    frames = [labels, following]
    for t, centre in enumerate(([2, 2], [2, 2])):
        y, x = torch.meshgrid(torch.arange(4), torch.arange(12), indexing='ij')
        offsets[t] = torch.stack([centre[0] - y, centre[1] - x])
    offsets[1][:, following == 2] = 0  # at their own place
    centres = torch.tensor([[2, 2]])
    joined = group_frames(frames, offsets, centres, THINGS)
    assert [f.unique().tolist() for f in joined] == [[0, 1002], [0, 1002]]
    rejected = group_frames(frames, offsets, centres, THINGS, reject_distance=5.0)
    assert [f.unique().tolist() for f in rejected] == [[0, 1001], [0, VOID, 1001]]
    assert (rejected[1] == VOID).equal(following == 2)


def test_nearest_in_parts_is_nearest_in_one(monkeypatch):
    generator = torch.manual_seed(0)
    points = torch.randint(-5, 30, (2, 1000), generator=generator).float()
    centres = torch.randint(0, 25, (13, 2), generator=generator)
    squares = (points[:, None] - centres.T[..., None]).square().sum(dim=0)
    for distances in (1, 70, 10**6):
        monkeypatch.setattr(vip_deeplab_grouping, '_DISTANCES', distances)
        index, distance = nearest_centres(points, centres)
        assert index.equal(squares.argmin(dim=0))
        assert distance.equal(squares.min(dim=0).values)


def test_memory_is_a_tenth_of_all_distances(monkeypatch):
    monkeypatch.setattr(vip_deeplab_grouping, '_DISTANCES', 2**17)  # for a small example
    points = torch.rand(2, 300_000) * 500
    centres = torch.randint(0, 500, (200, 2))
    nearest_centres(points[:, :1000], centres)
    needed = peak_memory(lambda: nearest_centres(points, centres))
    assert needed <= 0.1 * (points.shape[1] * 200 * 4 / 2**20)
