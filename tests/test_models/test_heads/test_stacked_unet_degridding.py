"""The de-gridding head: its layers by Table 4.1, its output by hand; errors."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.models.heads import DeGriddingHead
from mmvisx.utils import UserError


def test_layers_of_table_4_1():
    with torch.device('meta'):
        head = DeGriddingHead(in_channels=1024, num_classes=21)
    convs = [m for m in head.modules() if isinstance(m, nn.Conv2d)]
    rows = [(c.in_channels, c.out_channels, c.kernel_size[0], c.dilation[0]) for c in convs]
    assert sorted(rows, reverse=True) == [(1024, 512, 3, 2), (512, 512, 3, 1), (512, 21, 1, 1)]
    assert all(c.bias is not None for c in convs)
    assert sum(p.numel() for p in head.parameters()) == (
        (9 * 1024 + 1) * 512 + 1024 + (9 * 512 + 1) * 512 + 1024 + 513 * 21
    )


def test_against_the_layers_by_hand():
    head = DeGriddingHead(in_channels=5, channels=4, num_classes=3, norm_cfg=dict(type='BN'))
    head.init_weights()
    head.eval()
    x = torch.randn(2, 5, 7, 9)
    first, norm1, _, second, norm2, _ = head.convs
    assert {norm1.momentum, norm2.momentum} == {0.1}
    nn.init.uniform_(norm1.running_var, 0.5, 2)
    out = F.conv2d(x, first.weight, first.bias, padding=2, dilation=2)
    out = (out / (norm1.running_var[:, None, None] + norm1.eps).sqrt()).clamp(min=0)
    out = F.conv2d(out, second.weight, second.bias, padding=1)
    out = (out / (1 + norm2.eps) ** 0.5).clamp(min=0)
    out = F.conv2d(out, head.conv_seg.weight, head.conv_seg.bias)
    torch.testing.assert_close(head((torch.empty(0), x)), out, atol=1e-5, rtol=1e-4)


def test_weights_are_drawn_as_by_he():
    torch.manual_seed(0)
    head = DeGriddingHead(in_channels=96, channels=48, num_classes=30)
    head.init_weights()
    assert head.convs[0].weight.std().item() == pytest.approx((2 / (48 * 9)) ** 0.5, rel=0.03)
    assert head.conv_seg.weight.std().item() == pytest.approx((2 / 30) ** 0.5, rel=0.05)


@pytest.mark.parametrize('dilations', [(), (2, 0), (1.5,)])
def test_bad_dilations_are_a_clear_error(dilations):
    with pytest.raises(UserError, match=r'dilations=\('):
        DeGriddingHead(in_channels=8, num_classes=3, dilations=dilations)
