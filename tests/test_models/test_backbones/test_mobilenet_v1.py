"""MobileNet-V1: published sizes, its layers one by one, options, errors."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.models.backbones import MobileNetV1
from mmvisx.utils import UserError

# Output channels and strides of the 13 separable convolutions, as the publication lists them.
TABLE_1 = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
TABLE_1 += 5 * [(512, 1)] + [(1024, 2), (1024, 1)]


@pytest.mark.parametrize(
    ('width', 'parameters'),
    [(1.0, 4_231_976), (0.75, 2_585_560), (0.5, 1_331_592), (0.25, 470_072)],
)
def test_published_sizes(width, parameters):
    with torch.device('meta'):
        model = MobileNetV1(width)
    classifier = 1000 * (int(1024 * width) + 1)
    assert sum(p.numel() for p in model.parameters()) + classifier == parameters


def test_layers_are_those_of_the_publication():
    torch.manual_seed(0)
    model = MobileNetV1(0.25, out_indices=(0, 1, 2, 3, 4))
    model.init_weights()
    model.eval()
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(convs) == len(norms) == 1 + 2 * len(TABLE_1)
    x = torch.randn(1, 3, 64, 96)

    def layer(x, number, stride, groups):
        y = F.conv2d(x, convs[number].weight, None, stride, convs[number].padding, 1, groups)
        return F.relu(y / (1 + norms[number].eps) ** 0.5)

    y = layer(x, 0, 2, 1)
    expected, number = [], 1
    for channels, stride in TABLE_1:
        if stride == 2:
            expected.append(y)
        assert convs[number].kernel_size == (3, 3)
        assert convs[number].padding == (1, 1)
        y = layer(y, number, stride, y.shape[1])
        y = layer(y, number + 1, 1, 1)
        assert y.shape[1] == channels // 4
        number += 2
    expected.append(y)
    with torch.no_grad():
        for out, other in zip(model(x), expected, strict=True):
            torch.testing.assert_close(out, other)


def test_frozen_stages_and_norm_eval():
    model = MobileNetV1(0.25, frozen_stages=2, norm_eval=True)
    assert model.train() is model
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad != name.startswith(('layer1', 'layer2')), name
    assert not any(m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    assert model.layer3.training


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(widen_factor=0), 'widen_factor=0 is not above 0'),
        (dict(out_indices=(5,)), r'out_indices=\(5,\) of .* 0 to 4'),
        (dict(frozen_stages=6), 'frozen_stages=6 of .* 5'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        MobileNetV1(**arguments)
