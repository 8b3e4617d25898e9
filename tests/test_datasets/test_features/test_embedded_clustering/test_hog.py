import math

import cv2
import numpy as np
import pytest

from mmvisx.datasets.features.embedded_clustering.hog import hog, hog_colour
from mmvisx.utils.errors import UserError


def picture(height, width, seed=0):
    """Smooth noise, so that gradients have all directions."""
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 1.5)


def histogram_by_loops(image):
    """Section 6.1: every pixel votes for the four nearest cells, in 18 signed orientations."""
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    image = image.astype(float)
    cells = np.zeros((rows, columns, 18))
    for y in range(1, rows * 8 - 1):
        for x in range(1, columns * 8 - 1):
            best = (-1.0, 0.0, 0.0)
            for channel in range(3):
                dy = image[y + 1, x, channel] - image[y - 1, x, channel]
                dx = image[y, x + 1, channel] - image[y, x - 1, channel]
                if dx * dx + dy * dy > best[0]:
                    best = (dx * dx + dy * dy, dx, dy)
            square, dx, dy = best
            orientation, largest = 0, -math.inf
            for o in range(18):
                dot = math.cos(o * math.pi / 9) * dx + math.sin(o * math.pi / 9) * dy
                if dot > largest + 1e-9:
                    orientation, largest = o, dot
            place_y, place_x = (y + 0.5) / 8 - 0.5, (x + 0.5) / 8 - 0.5
            for i in (math.floor(place_y), math.floor(place_y) + 1):
                for j in (math.floor(place_x), math.floor(place_x) + 1):
                    if 0 <= i < rows and 0 <= j < columns:
                        share = (1 - abs(place_y - i)) * (1 - abs(place_x - j))
                        cells[i, j, orientation] += share * math.sqrt(square)
    return cells


def hog_by_loops(image):
    cells = histogram_by_loops(image)
    rows, columns, _ = cells.shape
    energy = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            energy[i, j] = sum((cells[i, j, o] + cells[i, j, o + 9]) ** 2 for o in range(9))
    found = np.zeros((rows - 2, columns - 2, 13))
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            norms = []
            # The block below and to the right first, then above, then to the left
            for down, right in ((0, 0), (-1, 0), (0, -1), (-1, -1)):
                block = energy[i + down : i + down + 2, j + right : j + right + 2]
                norms.append(1 / math.sqrt(block.sum() + 1e-4))
            for o in range(9):
                value = cells[i, j, o] + cells[i, j, o + 9]
                found[i - 1, j - 1, o] = 0.5 * sum(min(value * norm, 0.2) for norm in norms)
            for k, norm in enumerate(norms):
                total = sum(min(value * norm, 0.2) for value in cells[i, j])
                found[i - 1, j - 1, 9 + k] = 0.2357 * total
    return found


@pytest.mark.parametrize('size', [(24, 24), (32, 43)])
def test_against_loops(size):
    image = picture(*size)
    np.testing.assert_allclose(hog(image), hog_by_loops(image), rtol=1e-9, atol=1e-12)


def test_an_edge_has_the_orientation_across_it():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 200
    middle = hog(image)[1, 1]
    assert middle[:9].argmax() == 0
    assert hog(image.transpose(1, 0, 2))[1, 1, :9].argmax() in (4, 5)  # 80 or 100 degrees
    assert not hog(np.full((24, 24, 3), 9, np.uint8)).any()


def test_photographs_of_stl_have_1428_values():
    image = picture(96, 96)
    raw, scaled = hog_colour(image, scaled=False), hog_colour(image)
    assert raw.shape == (10 * 10 * 13 + 8 * 8 * 2,) == (1428,)
    assert raw.dtype == np.float32
    np.testing.assert_allclose(raw[:1300], hog(image).ravel(), rtol=1e-6)
    np.testing.assert_allclose(scaled[:1300], (raw[:1300] - 0.2) * 10, atol=1e-5)
    np.testing.assert_allclose(scaled[1300:], (raw[1300:] - 128) / 10, atol=1e-5)


def test_colours_are_cr_and_cb_of_the_places():
    image = np.zeros((96, 96, 3), np.uint8)
    image[:48] = (0, 0, 255)  # red above
    image[48:] = (255, 0, 0)  # blue below
    colours = hog_colour(image, scaled=False)[1300:].reshape(8, 8, 2)
    # Of red: Cr = 128 + 0.713 (255 - 0.299 * 255), Cb = 128 - 0.564 * 0.299 * 255
    np.testing.assert_allclose(colours[:4], np.tile([255, 85], (4, 8, 1)), atol=1)
    # Of blue: Cr = 128 - 0.713 * 0.114 * 255, Cb = 128 + 0.564 (255 - 0.114 * 255)
    np.testing.assert_allclose(colours[4:], np.tile([107, 255], (4, 8, 1)), atol=1)


def test_an_image_without_a_cell_inside_is_refused():
    with pytest.raises(UserError, match='an image of 30x23 pixels has no cell inside'):
        hog(picture(23, 30))
