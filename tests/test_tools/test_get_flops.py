"""tools/analysis/get_flops.py: multiply-adds against a hand count."""

import pytest
from mmengine.config import Config

from mmvisx.apis.flops import measure_complexity
from mmvisx.utils import UserError
from mmvisx.utils.config import load_config


def test_backbone_by_hand(tiny_config):
    model = dict(
        type='FasterRCNN',
        backbone=dict(
            type='ResNet', depth=18, num_stages=1, out_indices=(0,), strides=(1,), dilations=(1,)
        ),
    )
    head = load_config(tiny_config).model
    model.update(
        neck=dict(type='FPN', in_channels=[64], out_channels=16, num_outs=5),
        rpn_head=head.rpn_head,
        roi_head=head.roi_head,
        train_cfg=head.train_cfg,
        test_cfg=head.test_cfg,
    )
    result = measure_complexity(Config(dict(model=model)), (64, 96))
    # Stem: 7x7, 3 -> 64 at stride 2; then four 3x3 convolutions 64 -> 64 at stride 4.
    stem = 49 * 3 * 64 * 32 * 48
    stage = 4 * 9 * 64 * 64 * 16 * 24
    params = 49 * 3 * 64 + 4 * 9 * 64 * 64 + 5 * 2 * 64
    assert result.parts['backbone'] == (params, stem + stage)
    # FPN: one 1x1 and one 3x3 convolution on 16 x 24.
    assert result.parts['neck'][1] == (64 * 16 + 9 * 16 * 16) * 16 * 24
    assert result.macs == sum(macs for _, macs in result.parts.values())
    assert result.params == sum(params for params, _ in result.parts.values())
    assert result.parts['roi_head'][1] > 0


def test_deformable_convolution_is_counted(tiny_config):
    cfg = load_config(tiny_config)
    cfg.model.backbone.depth = 50
    cfg.model.neck.in_channels = [32, 64, 128, 256]
    plain = measure_complexity(cfg, (160, 160)).parts['backbone'][1]
    cfg.model.backbone.update(
        dcn=dict(type='DCN', deform_groups=1), stage_with_dcn=(False, False, False, True)
    )
    with_dcn = measure_complexity(cfg, (160, 160)).parts['backbone'][1]
    # Three 3x3 convolutions of 64 channels on 5 x 5 (the first reads 10 x 10 with stride 2)
    # become deformable; what comes on top are their offset convolutions to 18 channels.
    assert with_dcn - plain == 3 * 9 * 64 * 18 * 5 * 5


def test_command(tool, tiny_config, capsys):
    assert tool('tools/analysis/get_flops.py', tiny_config, '--shape', '64', '96') == 0
    out = capsys.readouterr().out
    assert '64 x 96' in out
    assert 'backbone' in out
    assert 'roi_head' in out


def test_shape(tool, tiny_config):
    with pytest.raises(UserError, match='--shape'):
        tool('tools/analysis/get_flops.py', tiny_config, '--shape', '8')
