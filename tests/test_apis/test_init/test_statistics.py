"""What boxes measure, and the anchors that fit them."""

import numpy as np
import pytest

from mmvisx.apis.init.statistics import Statistics, fit_anchors, side_at

STRIDES = (4, 8, 16, 32, 64)


def test_anchors_of_equal_boxes_are_these_boxes():
    boxes = np.tile([24.0, 48.0], (10, 1))  # area 34^2, twice as high as wide
    anchors = fit_anchors(boxes, STRIDES, 6)
    assert anchors.ratios == (2.0,)
    sides = [anchors.scale * stride for stride in STRIDES]
    assert min(abs(side - 33.94) for side in sides) < 2
    assert anchors.overlap > 0.9


def test_three_shapes_are_three_ratios():
    rng = np.random.default_rng(0)
    ratios = np.repeat([0.5, 1.0, 3.0], 50) * rng.uniform(0.97, 1.03, 150)
    sides = rng.uniform(16, 128, 150)
    boxes = np.stack([sides / np.sqrt(ratios), sides * np.sqrt(ratios)], -1)
    found = fit_anchors(boxes, STRIDES, 6).ratios
    assert found == pytest.approx((0.5, 1.0, 3.0), rel=0.02)


def test_overlap_is_the_mean_of_the_best_by_hand():
    # Anchors of 6 strides: 24, 48, ...; squares of 24 and of 12 in 24 pixels: IoU 1 and 1/4,
    # and anchors of half the size: 12 and 24, both 1.
    boxes = np.array([[24.0, 24.0], [12.0, 12.0]])
    assert fit_anchors(boxes, STRIDES, 3).overlap == pytest.approx(1)
    assert fit_anchors(boxes[:1], STRIDES, 6).scale == 6.0


def test_of_scales_that_fit_alike_the_densest_anchors_are_taken():
    boxes = np.array([[48.0, 48.0]] * 3)  # of scale 1.5, 3 and 6
    assert fit_anchors(boxes, STRIDES, 6).scale == 6.0


def test_tiny_objects_get_tiny_anchors():
    anchors = fit_anchors(np.tile([6.0, 6.0], (5, 1)), STRIDES, 6)
    assert 4 * anchors.scale == pytest.approx(6, abs=0.5)


def test_sides_and_typical_sizes():
    assert side_at(np.array([[0.1, 0.4], [0.2, 0.2], [0.5, 0.5]]), 0.5) == pytest.approx(0.2)
    sizes = np.array([[640, 480], [640, 480], [100, 90]])
    assert Statistics(3, sizes).typical == (640, 480)
