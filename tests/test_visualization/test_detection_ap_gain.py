import cv2
import numpy as np
import pytest

from mmvisx.utils import UserError
from mmvisx.visualization.detection_ap_gain import plot_ap_gain


def table(*gains):
    return [
        {'class': f'c{i}', 'before': 0.4 + 0.01 * i, 'after': 0.4 + 0.01 * i + gain, 'gain': gain}
        for i, gain in enumerate(gains)
    ]


def coloured(picture):
    """Numbers of reddish and of bluish pixels."""
    blue, _, red = cv2.imread(str(picture)).astype(int).transpose(2, 0, 1)
    return np.sum(red > blue + 80), np.sum(blue > red + 80)


@pytest.mark.parametrize('order', ['before', 'gain', 'given'])
def test_red_is_a_gain_and_blue_a_drop(tmp_path, order):
    both = coloured(plot_ap_gain(table(0.1, -0.3, 0.2), tmp_path / 'a.png', order=order))
    up = coloured(plot_ap_gain(table(0.1, 0.2), tmp_path / 'new' / 'b.png', order=order))
    assert both[0] > 50
    assert both[1] > 50
    assert up[0] > 50
    assert up[1] == 0


def test_bad_order_or_suffix(tmp_path):
    with pytest.raises(UserError, match="order 'size'"):
        plot_ap_gain(table(0.1), tmp_path / 'a.png', order='size')
    with pytest.raises(UserError, match=r'a\.doc'):
        plot_ap_gain(table(0.1), tmp_path / 'a.doc')
