"""Layers of the wide residual network."""

import pytest
import torch

from mmvisx.models.backbones.vip_deeplab_wide import WideResNet41
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab_model import backbone_parameters


def test_parameters_of_every_stage():
    with torch.device('meta'):
        model = WideResNet41()
    found = [sum(p.numel() for p in part.parameters()) for part in (model.stem, *model.stages)]
    assert found == backbone_parameters()
    assert sum(found) == 109_014_080


def test_strides_and_convolutions():
    model = WideResNet41(width=1 / 32, out_indices=range(5)).eval()
    maps = model(torch.rand(1, 3, 64, 96))
    assert [64 // out.shape[2] for out in maps] == [2, 4, 8, 16, 16]
    assert [96 // out.shape[3] for out in maps] == [2, 4, 8, 16, 16]
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    shortcuts = 5
    assert len(convolutions) - shortcuts == 40
    dilated = [m.dilation for m in convolutions if m.dilation != (1, 1)]
    assert dilated == [(2, 2)] * 3


def test_drop_path_rises_linearly():
    model = WideResNet41(width=1 / 64, drop_path_rate=0.34)
    rates = []
    for stage in model.stages:
        for block in stage:
            rates.append(getattr(block.drop_path, 'drop_prob', 0.0))
    assert rates == pytest.approx([0.02 * n for n in range(18)])


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [(dict(width=0.01), 'width=0.01'), (dict(drop_path_rate=1.0), 'drop_path_rate=1.0')],
)
def test_bad_arguments(wrong, said):
    with pytest.raises(UserError, match=said):
        WideResNet41(**wrong)
