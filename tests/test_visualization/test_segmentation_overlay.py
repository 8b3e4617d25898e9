"""Label maps over images, pixel by pixel, and the legend's lines."""

import cv2
import numpy as np
import pytest

from mmvisx.utils import UserError
from mmvisx.visualization.segmentation_overlay import draw_legend, overlay, side_by_side

PALETTE = [[200, 0, 0], [0, 100, 40]]


def test_colours_are_mixed_with_the_image():
    image = np.full((2, 2, 3), 60, np.uint8)
    labels = np.array([[0, 1], [255, 2]], np.uint8)
    picture = overlay(image, labels, PALETTE, 0.25)
    assert picture.tolist() == [[[95, 45, 45], [45, 70, 55]], [[60, 60, 60], [60, 60, 60]]]
    assert (image == 60).all()


def test_opacity_from_nothing_to_all():
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    labels = np.ones((4, 5), int)
    assert np.array_equal(overlay(image, labels, PALETTE, 0), image)
    assert (overlay(image, labels, PALETTE, 1) == PALETTE[1]).all()


def test_bad_arguments_are_clear_errors():
    image = np.zeros((2, 3, 3), np.uint8)
    with pytest.raises(UserError, match=r'\(3, 2\).*size of the image, \(2, 3\)'):
        overlay(image, np.zeros((3, 2), int), PALETTE)
    with pytest.raises(UserError, match=r'opacity=1\.5'):
        overlay(image, np.zeros((2, 3), int), PALETTE, 1.5)


def test_legend_lists_what_is_there_with_its_share(monkeypatch):
    written = []
    monkeypatch.setattr(cv2, 'putText', lambda image, text, *_: written.append(text))
    labels = np.array([[1, 1, 1, 255, 255, 0, 2, 2, 2, 2]])
    palette = [*PALETTE, [1, 2, 3], [9, 9, 9]]
    picture = draw_legend(labels, ['sky', 'road', 'tree', 'car'], palette, 'scene', height=200)
    assert written == ['scene', 'tree 40.0 %', 'road 30.0 %', 'sky 10.0 %']
    assert len(picture) == 200
    colours = {tuple(c) for c in picture.reshape(-1, 3).tolist()}
    assert {(200, 0, 0), (0, 100, 40), (1, 2, 3)} <= colours
    assert (9, 9, 9) not in colours
    # Above each other in the order of the lines.
    rows = [np.argwhere((picture == c).all(2))[0, 0] for c in ([1, 2, 3], PALETTE[1], PALETTE[0])]
    assert rows == sorted(rows)


def test_legend_grows_with_its_list_and_may_be_empty():
    labels = np.arange(30)[None]
    names = [f'a long name of class {n}' for n in range(30)]
    assert len(draw_legend(labels, names, [[0, 0, 0]] * 30, height=50)) > 30 * 15
    assert draw_legend(np.full((3, 3), 255), ['sky'], PALETTE).shape[2] == 3


def test_side_by_side():
    picture = side_by_side([np.zeros((2, 3, 3), np.uint8), np.ones((4, 1, 3), np.uint8)])
    assert picture.shape == (4, 4, 3)
    assert (picture[:2, :3] == 0).all()
    assert (picture[2:, :3] == 255).all()
    assert (picture[:, 3] == 1).all()
