"""What --tta makes of a config."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvisx.apis.tta import enable_tta
from mmvisx.utils import UserError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
RECIPES = [
    'htc',
    'htc_rfp',
    'htc_sac',
    'htc_rfp_sac',
    'htc_rfp_sac_without_semantic',
    'htc_rfp_sac_ms_40e',
    'htc_rfp_sac_x101_32x4d_ms_40e',
    'htc_rfp_sac_x101_64x4d_ms_40e',
    'cascade_rcnn_rfp_sac',
    'faster_rcnn_rfp_sac',
]


def load(name):
    """Read a recipe."""
    return Config.fromfile(CONFIGS / 'detectors' / f'{name}.py')


@pytest.fixture
def mask_rcnn(tiny_config):
    """The tiny Mask R-CNN's config, without a tta_model."""
    return Config.fromfile(tiny_config)


def test_the_detector_s_own_nms_is_the_default(mask_rcnn):
    detector = mask_rcnn.model
    enable_tta(mask_rcnn)
    assert mask_rcnn.model.type == 'mmvisx.DetTTAModel'
    assert mask_rcnn.model.module == detector
    assert mask_rcnn.model.tta_cfg == dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=10)
    assert mask_rcnn.test_evaluator.metric == ['bbox', 'segm']
    assert mask_rcnn.test_dataloader.dataset.pipeline[1].type == 'TestTimeAug'


@pytest.mark.parametrize('kind', ['DetTTAModel', 'mmdet.DetTTAModel'])
def test_mmdets_model_is_replaced(mask_rcnn, kind):
    mask_rcnn.tta_model = dict(type=kind, tta_cfg=dict(max_per_img=7))
    enable_tta(mask_rcnn)
    assert mask_rcnn.model.type == 'mmvisx.DetTTAModel'
    assert mask_rcnn.model.tta_cfg.max_per_img == 7


def test_masks_of_a_one_stage_detector_are_dropped(mask_rcnn, capsys):
    mask_rcnn.model = dict(type='CondInst', test_cfg=dict(nms=dict(type='nms')))
    enable_tta(mask_rcnn)
    assert mask_rcnn.test_evaluator.metric == 'bbox'
    assert 'masks are not evaluated' in capsys.readouterr().out


def test_without_any_nms(mask_rcnn):
    mask_rcnn.model = dict(type='DETR', test_cfg=dict(max_per_img=100))
    with pytest.raises(UserError, match='neither tta_model nor'):
        enable_tta(mask_rcnn)


def test_a_flip_that_could_not_be_undone(mask_rcnn):
    flips = [dict(type='mmdet.RandomFlip', prob=1.0)]
    packs = [dict(type='PackDetInputs', meta_keys=('ori_shape', 'flip'))]
    mask_rcnn.tta_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='TestTimeAug', transforms=[flips, packs]),
    ]
    with pytest.raises(UserError, match='lack flip_direction'):
        enable_tta(mask_rcnn)


@pytest.mark.parametrize('name', RECIPES)
def test_the_recipe_s_views(name, tmp_path):
    cfg = load(name)
    plain = cfg.model.test_cfg.rcnn
    enable_tta(cfg)
    assert cfg.model.type == 'mmvisx.DetTTAModel'
    assert cfg.model.tta_cfg == dict(nms=plain.nms, max_per_img=plain.max_per_img)
    assert plain.nms.type == ('soft_nms' if 'x101' in name else 'nms')
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((30, 50, 3), np.uint8))
    with DefaultScope.overwrite_default_scope('mmdet'):
        pipeline = Compose(cfg.test_dataloader.dataset.pipeline)
        path = str(tmp_path / 'a.png')
        views = pipeline(dict(img_path=path, img_id=1, instances=[]))
    # The long edge, 5/3 of the short one, is what limits these: 1.5 x 800, ..., 1.5 x 1600.
    found = [(s.img_shape, s.flip, s.flip_direction) for s in views['data_samples']]
    edges = [1200, 1500, 1800, 2100, 2400]
    flips = [(False, None), (True, 'horizontal')]
    assert found == [((edge * 3 // 5, edge), *flip) for edge in edges for flip in flips]
