"""tools/analysis/get_flops.py: multiply-adds against a hand count."""

import pytest
from mmengine.config import Config

from mmvisx.analysis.flops import MultiplyAdds
from mmvisx.apis.build import build_model
from mmvisx.apis.input_shape import input_shape
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
    result = MultiplyAdds().measure(build_model(Config(dict(model=model))), (64, 96))
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
    plain = MultiplyAdds().measure(build_model(cfg), (160, 160)).parts['backbone'][1]
    cfg.model.backbone.update(
        dcn=dict(type='DCN', deform_groups=1), stage_with_dcn=(False, False, False, True)
    )
    with_dcn = MultiplyAdds().measure(build_model(cfg), (160, 160)).parts['backbone'][1]
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


@pytest.mark.parametrize(
    ('name', 'shape'),
    [
        ('bag_of_tricks/resnet50_d_efficient_imagenet', (224, 224)),
        ('bag_of_tricks/inception_v3_baseline_imagenet', (299, 299)),
        ('gunn/gunn15_300e_cifar10', (32, 32)),
        ('neural_rejuvenation/densenet100_40_baseline_300e_cifar100', (32, 32)),
        ('detectors/htc_rfp_sac', (800, 1344)),
        ('detectors/htc_rfp_sac_nano_shapes', (128, 128)),
        ('detection_freebies/yolov3_d53_voc0712', (416, 416)),
        ('stacked_unet/sunet64_raw_300e_voc2012_sbd', (512, 512)),
        ('bag_of_tricks/fcn_r50_d_efficient_ade20k', (480, 480)),
    ],
)
def test_size_of_the_recipe_s_own_images(repo, name, shape):
    assert input_shape(load_config(repo / 'configs' / f'{name}.py')) == shape


def test_pipelines_without_a_size(repo):
    cfg = load_config(repo / 'tests' / 'data' / 'tiny_classifier.py')
    with pytest.raises(UserError, match='give --shape'):
        input_shape(cfg)


def test_resnet_50_d_has_the_document_s_multiply_adds(tool, repo, capsys):
    """Table 2.5: 4.3 G at 224x224. Its data preprocessor stands at the top of the config."""
    config = repo / 'configs' / 'bag_of_tricks' / 'resnet50_d_efficient_imagenet.py'
    tool('tools/analysis/get_flops.py', config)
    lines = capsys.readouterr().out.splitlines()
    assert '224 x 224' in lines[0]
    (total,) = (line.split() for line in lines if line.startswith('all '))
    assert float(total[3]) == pytest.approx(4.33, abs=0.01)
