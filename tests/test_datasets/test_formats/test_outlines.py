"""Outlines of masks: their area, their box, parts that are joined."""

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvisx.datasets.formats.outlines import area, extent, fitted, joined, rle_outlines

SQUARE = [2.0, 2.0, 6.0, 2.0, 6.0, 6.0, 2.0, 6.0]
OTHER = [10.0, 3.0, 14.0, 3.0, 14.0, 8.0, 10.0, 8.0]


def drawn(outlines, height=20, width=30):
    return mask_utils.decode(mask_utils.merge(mask_utils.frPyObjects(outlines, height, width)))


def test_area_and_extent():
    assert area([SQUARE, [0, 0, 4, 0, 0, 4]]) == 16 + 8
    assert extent([SQUARE, OTHER]) == (2, 2, 14, 8)


@pytest.mark.parametrize('counts', ['text', 'list'])
def test_mask_becomes_the_outlines_that_draw_it(counts):
    mask = np.zeros((20, 30), np.uint8)
    mask[2:9, 3:12] = 1
    mask[12:15, 20:29] = 1
    mask[17, 5:9] = 1  # a pixel high
    rle = mask_utils.encode(np.asfortranarray(mask))
    if counts == 'list':
        runs = np.flatnonzero(np.diff(mask.T.ravel(), prepend=0, append=0))
        edges = np.concatenate([[0], runs, [mask.size]])
        rle = dict(size=[20, 30], counts=np.diff(edges).tolist())
    outlines, holes = rle_outlines(rle, 20, 30)
    assert holes == 0
    assert len(outlines) == 3
    assert np.array_equal(drawn(outlines), mask)
    assert extent(outlines) == (3, 2, 29, 18)


def test_holes_are_counted_and_filled():
    mask = np.zeros((20, 30), np.uint8)
    mask[2:12, 2:22] = 1
    mask[4:6, 4:6] = mask[4:6, 10:14] = 0
    outlines, holes = rle_outlines(mask_utils.encode(np.asfortranarray(mask)), 20, 30)
    assert (len(outlines), holes) == (1, 2)
    assert drawn(outlines).sum() == 200


def test_mask_of_another_size():
    rle = mask_utils.encode(np.asfortranarray(np.ones((20, 30), np.uint8)))
    with pytest.raises(ValueError, match=r'\[20, 30\], is not \[30, 20\]'):
        rle_outlines(rle, 30, 20)


def test_joined_parts_draw_the_same_mask():
    third = [20.0, 10.0, 25.0, 10.0, 22.0, 18.0]
    whole = joined([SQUARE, OTHER, third])
    assert np.array_equal(drawn([whole]), drawn([SQUARE, OTHER, third]))
    assert extent([whole]) == (2, 2, 25, 18)
    assert joined([SQUARE]) == SQUARE


def test_outlines_are_fitted_to_their_box():
    near = (2.3, 2.0, 6.0, 6.4)
    assert fitted([SQUARE], near) == ([SQUARE], '')
    stretched, done = fitted([SQUARE], (1.0, 2.0, 6.0, 8.0))
    assert stretched == [[1, 2, 6, 2, 6, 8, 1, 8]]
    assert 'stretched' in done
    none, done = fitted([SQUARE], (2.0, 2.0, 6.0, 9.0))
    assert none == []
    assert 'now boxes' in done
