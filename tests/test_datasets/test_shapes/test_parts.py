import cv2
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from mmvisx.datasets.shapes.parts import CORE_DEPTH, SHAPES_PARTS, part_labels
from mmvisx.datasets.shapes.render import SHAPES_CLASSES, coverage, render_scene


def test_square_by_hand():
    full = np.zeros((14, 14), bool)
    full[2:12, 3:13] = True
    parts = part_labels(full)
    # The deepest pixels are 5 from the next one outside, so the core begins at a depth of 2.5.
    core = np.zeros_like(full)
    core[4:10, 5:11] = True
    assert np.array_equal(parts == 1, core)
    rim = full & ~core
    assert np.array_equal(parts[:7] == 2, rim[:7])  # the centroid's row is 6.5
    assert np.array_equal(parts[7:] == 3, rim[7:])
    assert np.array_equal(parts == 0, ~full)


@pytest.mark.parametrize('label', range(len(SHAPES_CLASSES)))
@pytest.mark.parametrize('angle', [0.3, 2.0])
def test_every_class_has_every_part(label, angle):
    full = coverage(label, np.array([32.0, 32.0]), 20.0, angle, 1.1, (64, 64), 32) >= 0.5
    parts = part_labels(full)
    depth = distance_transform_edt(full)
    assert np.array_equal(parts == 1, full & (depth >= CORE_DEPTH * depth.max()))
    shares = [np.mean(parts[full] == k + 1) for k in range(len(SHAPES_PARTS))]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0.1


def test_threads_of_opencv_change_nothing():
    rng = np.random.default_rng(0)
    shapes = [
        coverage(
            n % 6, 32 + rng.random(2), 8 + 14 * rng.random(), 6 * rng.random(), 1.1, (64, 64), 32
        )
        >= 0.5
        for n in range(200)
    ]
    threads = cv2.getNumThreads()
    try:
        found = []
        for number in (1, 2):
            cv2.setNumThreads(number)
            found.append([part_labels(full) for full in shapes])
    finally:
        cv2.setNumThreads(threads)
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_parts_of_a_scene_are_those_of_whole_objects():
    scene = render_scene(0, 5, crowd=True)
    for instance in scene.instances:
        assert (instance.parts is None) == instance.crowd
        if instance.parts is not None:
            assert instance.parts.shape == instance.mask.shape
            assert instance.parts[instance.mask].min() >= 1
    hidden = [
        (o.parts > 0).sum() > o.area for s in range(5) for o in render_scene(0, s + 1).instances
    ]
    assert any(hidden)
