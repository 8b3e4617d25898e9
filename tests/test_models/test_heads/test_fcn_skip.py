"""FCN's fusion of levels: against the sum written out; sizes; errors."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmvisx.models.heads import FCNSkipHead
from mmvisx.utils import UserError

CHANNELS = (4, 5, 6)


def head(**arguments):
    torch.manual_seed(0)
    module = FCNSkipHead(in_channels=CHANNELS, num_classes=3, **arguments)
    module.init_weights()
    return module.eval()


def maps(*sizes):
    return [torch.randn(2, c, *size) for c, size in zip(CHANNELS, sizes, strict=True)]


def test_starts_as_interpolated_scores_added_up():
    module = head()
    fine, middle, coarse = maps((8, 12), (4, 6), (2, 3))

    def up(x, scale):
        return F.interpolate(x, scale_factor=scale, mode='bilinear', align_corners=False)

    expected = up(module.conv_seg(coarse), 2) + module.skips[1](middle)
    expected = up(up(expected, 2) + module.skips[0](fine), 8)
    out = module([fine, middle, coarse])
    assert out.shape == (2, 3, 64, 96)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)


def test_one_level_is_fcn_32s():
    module = FCNSkipHead(in_channels=[6], in_index=[2], strides=[32], num_classes=3)
    assert not module.skips
    assert module(maps((8, 12), (4, 6), (2, 3))).shape == (2, 3, 64, 96)


def test_levels_are_chosen_by_in_index():
    module = FCNSkipHead(in_channels=[5, 6], in_index=[1, 2], strides=[16, 32], num_classes=3)
    assert module(maps((8, 12), (4, 6), (2, 3))).shape == (2, 3, 64, 96)


@pytest.mark.parametrize('sizes', [((9, 13), (5, 7), (3, 4)), ((7, 7), (3, 3), (1, 1))])
def test_odd_maps(sizes):
    """The coarse maps of backbones that round up and of those that round down."""
    out = head()(maps(*sizes))
    assert out.shape == (2, 3, 8 * sizes[0][0], 8 * sizes[0][1])
    assert out.isfinite().all()


def test_loss_leaves_pixels_without_label_out():
    module = head(loss_decode=dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True))
    labels = torch.randint(0, 3, (2, 1, 60, 90))
    labels[:, :, :20] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    inputs = maps((8, 12), (4, 6), (2, 3))
    scores = F.interpolate(module(inputs), (60, 90), mode='bilinear', align_corners=False)
    losses = module.loss(inputs, samples, None)
    logs = scores.log_softmax(1).movedim(1, -1)[:, 20:]
    picked = logs.gather(-1, labels[:, 0, 20:, :, None])
    assert losses['loss_ce'].item() == pytest.approx(-picked.mean().item(), rel=1e-5)


def test_classifiers_are_drawn_as_by_he():
    module = FCNSkipHead(in_channels=[64, 512], strides=[16, 32], num_classes=21)
    module.init_weights()
    for conv in (*module.skips, module.conv_seg):
        assert conv.weight.std().item() == pytest.approx((2 / 21) ** 0.5, rel=0.05)
        assert not conv.bias.any()
    # The upsampling keeps its own start.
    kernel = module.upsamplings[1].weight
    assert kernel[0, 0, 1, 1] == 0.75**2
    assert not kernel[0, 1].any()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(in_channels=()), r'in_channels=\(\)'),
        (dict(in_channels=512), 'in_channels=512'),
        (dict(in_channels=(4, 5)), '2 in_channels, 2 in_index and 3 strides'),
        (dict(in_index=[0]), '3 in_channels, 1 in_index and 3 strides'),
        (dict(strides=(8, 16, 24)), '24 is not a multiple of 16'),
        (dict(strides=(8, 8, 16)), '8 is not a multiple of 8'),
        (dict(strides=(32, 16, 8)), '16 is not a multiple of 32'),
        (dict(strides=(1, 2, 4)), '1 is not a multiple of 1'),
        (dict(strides=(0, 2, 4)), r'strides=\(0, 2, 4\)'),
    ],
    ids=str,
)
def test_bad_configuration_is_a_clear_error(arguments, message):
    with pytest.raises(UserError, match=message):
        FCNSkipHead(**{'in_channels': CHANNELS, 'num_classes': 3, **arguments})
