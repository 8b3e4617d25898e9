"""The picture of living neurons."""

import numpy as np

from mmvisx.visualization.neural_rejuvenation import draw_live_channels

GREEN, GREY = (44, 160, 44), (217, 217, 217)


def columns_of(picture, colour):
    """Number of pixels of a colour in each column."""
    return (np.abs(picture.astype(int) - colour).max(-1) < 8).sum(0)


def test_bars_are_as_high_as_the_numbers_of_neurons():
    picture = draw_live_channels({'a': (10, 40), 'b': (40, 40), 'c': (0, 20)}, 'title')
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    green, grey = columns_of(picture, GREEN), columns_of(picture, GREY)
    left, middle, right = np.array_split(np.arange(picture.shape[1]), 3)
    alive = [green[part].max() for part in (left, middle)]
    assert abs(alive[0] / alive[1] - 0.25) < 0.03
    assert grey[left].max() > 2 * alive[0]  # the dead ones behind
    assert grey[right].max() > 0
