"""Pictures of filters: every pixel by hand, the order of the colours, other than three channels."""

import numpy as np
import pytest
import torch
from torch import nn

from mmvisx.analysis.filters import find_convolution
from mmvisx.utils import UserError
from mmvisx.visualization.filters import draw_filters


def test_colour_filters_by_hand():
    weight = torch.zeros(3, 3, 1, 2)
    weight[0, 0, 0, 0] = 2.0  # red, the largest of its filter
    weight[0, 2, 0, 1] = -1.0  # half as much, negative, blue
    weight[1, 1, 0, 0] = -0.5
    picture = draw_filters(weight, columns=2, scale=3)
    assert picture.shape == (2 * (3 + 2) + 2, 2 * (6 + 2) + 2, 3)
    assert picture[2, 2].tolist() == [255, 128, 128]
    assert picture[4, 4].tolist() == [255, 128, 128]
    assert picture[2, 5].tolist() == [128, 128, 64]
    assert picture[2, 10].tolist() == [128, 0, 128]
    assert picture[7, 2].tolist() == [128, 128, 128]  # a filter of zeros
    assert picture[7, 10].tolist() == [255, 255, 255]  # no filter left
    assert (picture[:2] == 255).all()
    swapped = draw_filters(weight, columns=2, scale=3, bgr=True)
    assert swapped[2, 2].tolist() == [128, 128, 255]


def test_other_filters_are_rows_of_grey_channels():
    weight = torch.zeros(2, 4, 3, 3)
    weight[1, 2, 1, 1] = 1.0
    picture = draw_filters(weight, scale=1)
    assert picture.shape == (2 * 5 + 2, 4 * 5 + 2, 3)
    assert np.argwhere(picture[..., 0] == 255)[:, 0].tolist().count(8) > 0
    assert picture[5 + 2 + 1, 2 * 5 + 2 + 1].tolist() == [255] * 3
    assert picture[2 + 1, 2 * 5 + 2 + 1].tolist() == [128] * 3


def test_first_and_named_convolution():
    model = nn.Sequential(nn.Linear(2, 2), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1))
    assert find_convolution(model)[0] == '1'
    name, weight = find_convolution(model, '2')
    assert (name, tuple(weight.shape)) == ('2', (2, 4, 1, 1))
    with pytest.raises(UserError, match="--layer '0' is no convolution"):
        find_convolution(model, '0')
    with pytest.raises(UserError, match='Linear has no convolution'):
        find_convolution(nn.Linear(2, 2))
    with pytest.raises(UserError, match='columns=0'):
        draw_filters(weight, columns=0)


@pytest.mark.parametrize('shape', [(8, 3, 3, 3), (1, 3, 7, 7), (4, 2, 3, 3)])
def test_a_few_filters_fill_a_picture(shape):
    sides = draw_filters(torch.randn(shape)).shape[:2]
    assert 600 <= max(sides) < 750


def test_many_filters_stay_as_large_as_they_are():
    assert draw_filters(torch.randn(512, 3, 11, 11)).shape[1] == 8 * (8 * 11 + 2) + 2
