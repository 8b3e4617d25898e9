"""The camera against the pinhole model, written out."""

import numpy as np
import pytest

from mmvisx.datasets.shapes_video.camera import Camera, Pose

CAMERA = Camera((48, 80), focal=64.0, pitch=np.deg2rad(10), height=1.5)


def test_projection_of_a_point_by_hand():
    # A point 1 m to the right, 6 m ahead and on the ground
    sin, cos = np.sin(np.deg2rad(10)), np.cos(np.deg2rad(10))
    depth = 6 * cos + 1.5 * sin
    down = 1.5 * cos - 6 * sin
    wanted = (39.5 + 64 * 1 / depth, 23.5 + 64 * down / depth)
    assert CAMERA.project(np.array([[1.0, 6.0, -1.5]]))[0] == pytest.approx(wanted)


@pytest.mark.parametrize('samples', [1, 3])
def test_rays_end_in_the_pixels_that_they_start_from(samples):
    rays = CAMERA.rays(samples)
    assert rays.shape == (48 * samples, 80 * samples, 3)
    pixels = CAMERA.project(7.0 * rays.reshape(-1, 3)).reshape(*rays.shape[:2], 2)
    middle = samples // 2
    columns, rows = pixels[middle::samples, middle::samples].transpose(2, 0, 1)
    assert columns == pytest.approx(np.broadcast_to(np.arange(80), (48, 80)))
    assert rows == pytest.approx(np.broadcast_to(np.arange(48)[:, None], (48, 80)))
    assert np.diff(pixels[..., 0], axis=1) == pytest.approx(1 / samples)


def test_a_pose_there_and_back():
    pose = Pose(2.0, -3.0, 0.7)
    level = np.random.default_rng(0).normal(size=(5, 2))
    assert pose.to_level(pose.to_world(level)) == pytest.approx(level)
    ahead = pose.to_world(np.array([0.0, 4.0]))
    assert ahead == pytest.approx((2 + 4 * np.cos(0.7), -3 + 4 * np.sin(0.7)))
    # The right of somebody who looks along x is at negative y.
    assert Pose(0, 0, 0.0).to_world(np.array([1.0, 0.0])) == pytest.approx((0, -1))


def test_the_matrix_moves_points_of_the_camera_into_the_world():
    pose = Pose(2.0, -3.0, 0.7)
    matrix = pose.matrix(CAMERA)
    assert matrix[:3, :3] @ matrix[:3, :3].T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)
    place = np.array([0.8, 5.0])  # right and forward, 0.4 m above the ground
    level = np.array([*place, 0.4 - CAMERA.height])
    camera = CAMERA.axes @ level
    world = matrix @ [*camera, 1]
    assert world[:3] == pytest.approx([*pose.to_world(place), 0.4])
    seen = CAMERA.intrinsics @ camera
    assert seen[:2] / seen[2] == pytest.approx(CAMERA.project(level[None])[0])
