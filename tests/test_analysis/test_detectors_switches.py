"""Maps and pictures of the switches."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmcv.ops import SAConv2d
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvisx.analysis.detectors_switches import (
    SwitchMaps,
    large_rate_share,
    last_sacs,
    record_switches,
)
from mmvisx.models.layers import SwitchableAtrousConv2d
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from mmvisx.visualization.detectors_switches import shade

CONFIG = Path(__file__).resolve().parents[2] / 'configs/detectors/htc_rfp_sac_nano_shapes.py'


def make_sac(**kwargs):
    """Build a SAC of two channels with a switch that reads the input."""
    conv = SwitchableAtrousConv2d(2, 3, 3, padding=1, bias=False, **kwargs)
    with torch.no_grad():
        conv.switch.weight.normal_()
        for context in (m for name, m in conv.named_children() if 'context' in name):
            context.weight.normal_()
    return conv


def blend(conv, x):
    """Return the factors of both branches, read off the layer's output.

    The convolutions of the two rates are replaced by constants 1 and 0, and 0 and 1.
    """
    factors = []
    for small, large in ((1.0, 0.0), (0.0, 1.0)):
        with torch.no_grad():
            conv.weight_gamma.zero_()  # the weight is weight_beta then
            conv.weight_beta.fill_(small)
            conv.weight_diff.fill_(large - small)
            for name, context in conv.named_children():
                if name == 'post_context':
                    context.weight.zero_()
            factors.append(conv(x)[:, 0])
    return factors


@pytest.mark.parametrize('switch', ['single', 'dual'])
@pytest.mark.parametrize('global_context', [True, False])
def test_share_is_what_the_layer_does(switch, global_context):
    conv = make_sac(switch=switch, global_context=global_context).eval()
    # Every output is a sum over the same window, whatever the rate, so that only the switch counts.
    x = torch.rand(2, 2, 1, 1).expand(2, 2, 9, 9).contiguous()
    share = large_rate_share(conv, x)
    assert share.shape == (2, 9, 9)
    small, large = (factor[:, 4, 4].abs() for factor in blend(conv, x))
    torch.testing.assert_close(share[:, 4, 4], large / (small + large))
    assert share.std() > 0 or switch == 'single'


@pytest.mark.parametrize(
    ('bias', 'expected'),
    [([1.0], 0.0), ([0.0], 1.0), ([0.25], 0.75), ([2.0], 1 / 3), ([3.0, 1.0], 0.25),
     ([1.0, -1.0], 0.5), ([0.0, 0.0], 0.5)],
)  # fmt: skip
def test_share_by_hand(bias, expected):
    conv = SwitchableAtrousConv2d(2, 2, 3, padding=1, switch='dual' if len(bias) == 2 else 'single')
    with torch.no_grad():
        conv.switch.bias.copy_(torch.tensor(bias))
    share = large_rate_share(conv, torch.rand(1, 2, 6, 6))
    torch.testing.assert_close(share, torch.full((1, 6, 6), expected))


def test_share_of_mmcvs_layer():
    theirs = SAConv2d(2, 3, 3, padding=1, bias=False)
    ours = make_sac()
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(1, 2, 8, 8)
    assert torch.equal(large_rate_share(theirs, x), large_rate_share(ours, x))


@pytest.fixture(scope='module')
def detector():
    """A nano DetectoRS whose switches differ from place to place."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(CONFIG).model).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith('switch.weight'):
                parameter.normal_(0, 0.5)
    return model


def test_last_sac_of_each_stage_of_the_backbone_that_runs_last(detector):
    again = detector.neck.rfp_modules[0]
    expected = {f'layer{i}': getattr(again, f'layer{i}')[-1].conv2 for i in (2, 3, 4)}
    assert last_sacs(detector) == expected
    first = last_sacs(detector, 'backbone')
    assert first['layer4'] is detector.backbone.layer4[-1].conv2
    assert list(last_sacs(detector.backbone)) == ['layer2', 'layer3', 'layer4']


def test_deeper_stages_take_their_last_block():
    with DefaultScope.overwrite_default_scope('mmdet'):
        cfg = Config.fromfile(CONFIG.with_name('htc_sac.py')).model.backbone
        with torch.device('meta'):
            backbone = MODELS.build(cfg)
    assert last_sacs(backbone)['layer3'] is backbone.layer3[5].conv2


def test_no_switches_and_no_such_backbone(detector):
    with pytest.raises(UserError, match='no switchable atrous convolution'):
        last_sacs(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3)))
    with pytest.raises(UserError, match=r"'bckbone' .*: backbone, neck\.rfp_modules\.0"):
        last_sacs(detector, 'bckbone')


def test_maps_leave_out_the_padding(detector):
    from mmdet.structures import DetDataSample

    # 40 x 64 is padded to 64 x 64
    meta = dict(img_shape=(40, 64), ori_shape=(40, 64), scale_factor=(1, 1))
    image = torch.randint(0, 255, (3, 40, 64), dtype=torch.uint8)
    with record_switches(detector) as maps, torch.no_grad():
        detector.test_step(dict(inputs=[image], data_samples=[DetDataSample(metainfo=meta)]))
    assert {stage: share.shape for stage, share in maps.items()} == {
        'layer2': (5, 8),
        'layer3': (2, 4),
        'layer4': (1, 2),
    }
    assert all(0 <= share.min() < share.max() <= 1 for share in maps.values())
    assert not detector.data_preprocessor._forward_hooks
    assert not any(module._forward_pre_hooks for module in detector.modules())


def test_darker_is_more_of_the_larger_rate():
    share = np.array([[0.2, 0.4]], np.float32)
    stretched = shade(share, (2, 1))
    assert stretched[0, 0].tolist() == [255] * 3
    assert stretched[0, 1].tolist() == [0] * 3
    absolute = shade(share, (2, 1), stretch=False)
    assert absolute[0, :, 0].tolist() == [204, 153]
    assert (shade(np.full((2, 2), 0.3, np.float32), (4, 4)) == 255).all()


def run(model, image):
    """Run a model on an image and draw a red square."""
    x = torch.from_numpy(image).permute(2, 0, 1)[None, :2].float() / 255
    model(x)
    drawn = image[..., ::-1].copy()
    drawn[:, :4] = (255, 0, 0)
    return drawn


def test_one_row_of_pictures():
    conv = make_sac(global_context=False)
    stage = torch.nn.Sequential()
    stage.add_module('conv2', conv)
    model = torch.nn.Module()
    model.layer2 = torch.nn.Sequential(stage)
    model.forward = lambda x: model.layer2(x)
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(image, (9, 9), 4)
    analysis = SwitchMaps(height=40)
    maps, drawn = analysis.measure(model, lambda: run(model, image))
    row = analysis.draw(image[..., ::-1], maps, drawn)
    label, gap = row.shape[0] - 40, row.shape[1] // 3 - 60
    assert row.shape[1] == 3 * (60 + gap)
    first, middle, last = (row[label:, i * (60 + gap) : i * (60 + gap) + 60] for i in range(3))
    assert np.array_equal(first, image[..., ::-1])  # the same size, RGB
    x = torch.from_numpy(image).permute(2, 0, 1)[None, :2].float() / 255
    assert np.array_equal(middle, shade(large_rate_share(conv, x)[0].numpy(), (60, 40)))
    assert last[:, :4].tolist() == np.full((40, 4, 3), (255, 0, 0)).tolist()
    assert (row[:label] < 128).any()  # text
