"""Depth, labels and views of rendered frames against the pinhole model."""

import cv2
import numpy as np
import pytest
from matplotlib.path import Path

from mmvisx.datasets.shapes_video.camera import Camera, Pose
from mmvisx.datasets.shapes_video.lidar import ABOVE, lidar_to_camera, scan
from mmvisx.datasets.shapes_video.render import VOID, Clip, cast, look, render_frame
from mmvisx.datasets.shapes_video.world import (
    DIAMETERS,
    GRASS,
    SKY,
    VIDEO_THINGS,
    WALL,
    WATER,
    Stuff,
    make_thing,
)

CAMERA = Camera((72, 120), focal=96.0)
PLACES = {'square': (0.4, 5.0), 'star': (-1.5, 8.0), 'disc': (1.9, 7.0), 'triangle': (-4.0, 10.0)}


def make(rng=0, kinds=PLACES, colour=0.0):
    rng = np.random.default_rng(rng)
    pose = Pose(1.0, 2.0, 0.3)
    stuff = Stuff(rng, pose.heading)
    things = [
        make_thing(rng, number, kind, stuff.mean_colour, colour).at(np.array([PLACES[kind]]))
        for number, kind in enumerate(kinds, 1)
    ]
    return Clip(CAMERA, [pose], stuff, things)


@pytest.fixture(scope='module')
def clip():
    return make()


@pytest.fixture(scope='module')
def frame(clip):
    return render_frame(clip, 0, np.random.default_rng(0))


def test_depth_is_that_of_the_pinhole_model(clip, frame):
    sin, cos = np.sin(CAMERA.pitch), np.cos(CAMERA.pitch)
    slope = (np.arange(72)[:, None] - 35.5) / 96 + np.zeros((1, 120))
    ground = np.isin(frame.labels, [GRASS, WATER])
    assert ground.any()
    assert frame.depth[ground] == pytest.approx((1.6 / (sin + slope * cos))[ground])
    seen = set()
    for thing in clip.things:
        own = (frame.ids == thing.number) & (frame.labels == thing.label)
        wanted = thing.places[0, 1] / (cos - slope * sin)
        assert frame.depth[own] == pytest.approx(wanted[own])
        seen.add(own.sum() > 10)
    assert seen == {True}
    assert (frame.depth[frame.labels == SKY] == 0).all()


def test_points_of_the_wall_lie_in_its_plane(clip, frame):
    rows, columns = np.nonzero(frame.labels == WALL)
    depth = frame.depth[rows, columns]
    inverse = np.linalg.inv(CAMERA.intrinsics)
    rays = inverse @ np.stack([columns, rows, np.ones_like(rows)])
    world = clip.poses[0].matrix(CAMERA) @ np.vstack([depth * rays, np.ones_like(depth)])
    assert clip.stuff.normal @ world[:2] == pytest.approx(clip.stuff.distance)
    assert world[2].min() >= -1e-6
    assert world[2].max() <= clip.stuff.height


def test_what_is_nearer_hides_what_is_farther(clip):
    clip = make(kinds=['star', 'square'])
    star, square = clip.things
    behind = square.places[0] * 1.6  # on one ray
    hidden = Clip(CAMERA, clip.poses, clip.stuff, [star.at(behind[None]), square])
    assert not (look(hidden, 0) == 3).any()
    before = Clip(CAMERA, clip.poses, clip.stuff, [star.at(square.places * 0.9), square])
    assert (look(before, 0) == 3).any()


def test_void_lies_at_the_rims_of_things_only(clip, frame):
    void = frame.labels == VOID
    assert 0.005 < void.mean() < 0.1
    assert not frame.ids[void].any()
    things = (look(clip, 0) >= 3).astype(np.uint8)
    rim = cv2.dilate(things, np.ones((3, 3), np.uint8)) - cv2.erode(things, np.ones((3, 3)))
    overlap = cv2.morphologyEx(look(clip, 0).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    assert not void[(rim == 0) & (overlap == 0)].any()


def test_the_masks_fill_the_projected_outlines(clip):
    surfaces = look(clip, 0)
    centres = np.argwhere(np.ones(CAMERA.shape, bool))[:, ::-1]
    for index, thing in enumerate(clip.things, 3):
        outline = thing.project(CAMERA, thing.places[0])
        drawn = Path(outline).contains_points(centres).reshape(CAMERA.shape)
        own = surfaces == index
        visible = drawn & ~((surfaces >= 3) & ~own)
        assert own.sum() > 20
        assert (own & visible).sum() / (own | visible).sum() > 0.93
        left, top, right, bottom = thing.box(CAMERA, thing.places[0])
        rows, columns = np.nonzero(own)
        assert rows.max() <= bottom + 1
        assert columns.min() >= left - 1
        assert columns.max() <= right + 1
        assert rows.min() >= top - 1


def test_things_stand_on_the_ground_and_have_the_size_of_their_class():
    rng = np.random.default_rng(0)
    for kind in VIDEO_THINGS:
        sizes = []
        for _ in range(40):
            thing = make_thing(rng, 1, kind, np.full(3, 90.0), 0.5)
            assert thing.points[:, 1].min() == pytest.approx(0, abs=1e-12)
            sizes.append(2 * 51.0 * thing.metres / DIAMETERS[kind])
        assert 0.85 <= min(sizes) < 0.9
        assert 1.1 < max(sizes) <= 1.15


def test_how_far_colour_tells_the_class():
    def spread(colour):
        rng = np.random.default_rng(1)
        sprites = [make_thing(rng, 1, 'disc', np.full(3, 90.0), colour).sprite for _ in range(9)]
        means = [sprite[..., :3][sprite[..., 3] > 0.5].mean(axis=0) for sprite in sprites]
        return np.std(means, axis=0).mean()

    assert spread(1.0) == pytest.approx(0, abs=1e-3)
    assert spread(0.5) == pytest.approx(spread(0.0) / 2, rel=0.01)


def test_the_ground_moves_with_the_world():
    """The colour of a point of the ground is the same from another pose."""
    clip = make(kinds=[])
    clip.poses.append(Pose(*clip.poses[0].to_world(np.array([0.1, 0.6])), 0.34))
    first, second = (render_frame(clip, n, np.random.default_rng(n)) for n in (0, 1))
    rows, columns = np.nonzero(np.isin(first.labels, [GRASS, WATER]) & (first.depth < 7))
    rays = np.linalg.inv(CAMERA.intrinsics) @ np.stack([columns, rows, np.ones_like(rows)])
    points = np.vstack([first.depth[rows, columns] * rays, np.ones((1, len(rows)))])
    matrices = [pose.matrix(CAMERA) for pose in clip.poses]
    seen = (np.linalg.inv(matrices[1]) @ matrices[0] @ points)[:3]
    there = np.round((CAMERA.intrinsics @ seen)[:2] / seen[2]).astype(int)
    inside = (there >= 0).all(axis=0) & (there < [[120], [72]]).all(axis=0)
    x, y = there[:, inside]
    labels = first.labels[rows[inside], columns[inside]]
    assert inside.sum() > 500
    assert (labels == second.labels[y, x]).mean() > 0.97
    colours = first.image[rows[inside], columns[inside]].astype(float)
    matched = np.abs(colours - second.image[y, x]).mean()
    shifted = np.abs(colours - second.image[y, (x + 7) % 120]).mean()
    assert matched < 0.7 * shifted


def test_disparity_is_focal_length_times_baseline_over_depth(clip):
    baseline = 0.5
    left, right = (
        cast(clip, 0, CAMERA.rays().reshape(-1, 3), (shift, 0.0, 0.0)) for shift in (0, baseline)
    )
    depth, surface = (a.reshape(CAMERA.shape) for a in (left.depth, left.surface))
    other_depth, other = (a.reshape(CAMERA.shape) for a in (right.depth, right.surface))
    rows, columns = np.nonzero(surface > 0)
    there = columns - CAMERA.focal * baseline / depth[rows, columns]
    near = np.round(there).astype(int)
    inside = near >= 0
    rows, columns, near = rows[inside], columns[inside], near[inside]
    assert (surface[rows, columns] == other[rows, near]).mean() > 0.93  # not where one hides
    same = surface[rows, columns] == other[rows, near]
    things = same & (surface[rows, columns] >= 3)
    assert things.sum() > 200
    # Depth on things and ground depends on the row only: equal to the last digit.
    flat = things | (same & (surface[rows, columns] == 1))
    kept = rows[flat], columns[flat]
    assert other_depth[rows[flat], near[flat]] == pytest.approx(depth[kept])
    for thing in clip.things:
        shift = thing.project(CAMERA, thing.places[0]) - thing.project(
            CAMERA, thing.places[0], baseline
        )
        sin, cos = np.sin(CAMERA.pitch), np.cos(CAMERA.pitch)
        true = thing.places[0, 1] * cos + (CAMERA.height - thing.points[:, 1]) * sin
        assert shift[:, 0] == pytest.approx(CAMERA.focal * baseline / true)
        assert shift[:, 1] == pytest.approx(0, abs=1e-9)


def test_the_right_view_is_the_left_one_moved_by_the_disparity(clip, frame):
    right = render_frame(clip, 0, np.random.default_rng(0), right=0.5)
    rows, columns = np.nonzero((frame.depth > 0) & (frame.depth < 9))
    moved = np.round(columns - CAMERA.focal * 0.5 / frame.depth[rows, columns]).astype(int)
    inside = moved >= 0
    left = frame.image[rows[inside], columns[inside]].astype(float)
    matched = np.abs(left - right.image[rows[inside], moved[inside]]).mean()
    unmoved = np.abs(left - right.image[rows[inside], columns[inside]]).mean()
    assert matched < 0.5 * unmoved


def test_scans_agree_with_the_depth_where_both_see_the_same(clip, frame):
    points = scan(clip, 0)
    assert points.dtype == np.float32
    assert points.shape[1] == 4
    camera = (lidar_to_camera(CAMERA) @ np.c_[points[:, :3], np.ones(len(points))].T)[:3]
    columns, rows = np.round((CAMERA.intrinsics @ camera)[:2] / camera[2]).astype(int)
    inside = (columns >= 0) & (columns < 120) & (rows >= 0) & (rows < 72)
    assert inside.sum() > 2000
    depth = frame.depth[rows[inside], columns[inside]]
    near = np.abs(depth - camera[2, inside]) < 0.1 * camera[2, inside]
    # The sensor sees over edges what the camera does not, but not much.
    assert 0.85 < near.mean() < 1
    on_ground = (points[:, 2] < -(CAMERA.height + ABOVE) + 1e-3) & (points[:, 0] < 15)
    assert on_ground.any()
    assert set(points[on_ground, 3].tolist()) == {np.float32(0.2)}
