"""The wide network has the size of the authors' code."""

import pytest
import torch

from mmvisx.models.backbones import PostActivationWideResNet
from mmvisx.utils import UserError


def test_size_of_28_10():
    """A stem of 80 channels, four blocks each of 160, 320 and 640, halved thrice."""
    with torch.device('meta'):
        model = PostActivationWideResNet()
        out = model(torch.zeros(1, 3, 80, 80))
    expected, before = 27 * 80 + 2 * 80, 80
    for width in (160, 320, 640):
        first = 9 * before * width + 9 * width**2 + before * width + 3 * 2 * width
        expected += first + 3 * (2 * 9 * width**2 + 2 * 2 * width)
        before = width
    assert sum(p.numel() for p in model.parameters()) == expected == 36_579_280
    assert [tuple(x.shape) for x in out] == [(1, 640, 10, 10)]


def test_what_is_refused():
    with pytest.raises(UserError, match='depth=27'):
        PostActivationWideResNet(depth=27)
    with pytest.raises(UserError, match='widen=0'):
        PostActivationWideResNet(widen=0)
