"""How far things move, and that some are hidden for a while."""

import numpy as np
import pytest

from mmvisx.datasets.shapes_video.camera import Camera
from mmvisx.datasets.shapes_video.render import silhouettes
from mmvisx.datasets.shapes_video.tracks import Style, hidden_runs, make_clip

CAMERA = Camera((48, 80), focal=64.0)


@pytest.fixture(scope='module')
def clips():
    return [make_clip(np.random.default_rng([0, n]), CAMERA, Style()) for n in range(12)]


def steps(clip):
    """Displacements of whole boxes, in widths of the earlier one."""
    for thing in clip.things:
        if thing.number:
            boxes = np.array([thing.box(CAMERA, place) for place in thing.places])
            centres = (boxes[:, :2] + boxes[:, 2:]) / 2
            widths = boxes[:-1, 2] - boxes[:-1, 0]
            yield np.hypot(*np.diff(centres, axis=0).T) / widths


@pytest.mark.parametrize('motion', [(0.1, 1.5), (0.05, 0.3), (1.0, 1.4)])
def test_the_motion_is_the_one_asked_for(motion):
    style = Style(frames=5, motion=motion)
    made = [make_clip(np.random.default_rng([1, n]), CAMERA, style) for n in range(6)]
    found = np.concatenate([track for clip in made for track in steps(clip)])
    low, high = motion
    assert found.min() >= low * (1 - 1e-6)
    assert found.max() <= high * (1 + 1e-6)
    assert np.ptp(found) > 0.6 * (high - low)  # and the whole range occurs


def test_number_of_things_and_their_ids(clips):
    counts = set()
    for clip in clips:
        numbers = [thing.number for thing in clip.things if thing.number]
        assert numbers == list(range(1, len(numbers) + 1))
        counts.add(len(numbers))
        assert all(len(thing.places) == 8 for thing in clip.things)
    assert counts <= set(range(3, 8))
    assert len(counts) > 2


def test_some_are_wholly_hidden_and_none_for_long(clips):
    found = [run for clip in clips for _, runs in hidden_runs(clip) for run in runs]
    assert found
    assert set(found) <= {1, 2, 3}
    assert sum(bool(runs) for clip in clips for _, runs in hidden_runs(clip)) >= 3


def test_everything_is_seen_and_some_enter_and_leave(clips):
    entering = leaving = 0
    for clip in clips:
        counts = np.array([silhouettes(clip, number) for number in range(8)])
        for index, thing in enumerate(clip.things):
            if thing.number:
                assert (counts[:, index] > 0).sum() >= 2
                entering += counts[0, index] == 0
                leaving += counts[-1, index] == 0
    assert entering
    assert leaving


def test_a_few_crowds_which_stay_in_the_world(clips):
    crowds = [clip for clip in clips if any(thing.number == 0 for thing in clip.things)]
    assert 0 < len(crowds) < len(clips) / 2
    for clip in crowds:
        members = [thing for thing in clip.things if thing.number == 0]
        assert 5 <= len(members) <= 8
        assert len({thing.label for thing in members}) == 1
        for thing in members:
            world = [p.to_world(xy) for p, xy in zip(clip.poses, thing.places, strict=True)]
            assert np.ptp(world, axis=0) == pytest.approx([0, 0], abs=1e-9)
