"""The recipes of chapter 5: each row has what its table says."""

from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
import torchvision
from mmdet.registry import MODELS
from mmengine.config import Config

from mmvisx.apis.run import prepare_config
from mmvisx.utils.config import add_config_options
from tools.analysis import recipe_table

FOLDER = Path(__file__).resolve().parents[2] / 'configs' / 'detection_freebies'
# In the order of the tables; every row adds one to the row before it.
YOLO = ['augmentation', 'sync BN', 'shapes', 'cosine', 'smoothing', 'mixup']
FASTER = ['augmentation', 'cosine', 'smoothing', 'mixup']
ROWS = {
    f'yolov3_d53_{name}voc0712': set(YOLO[:number])
    for number, name in enumerate(
        ('no_augmentation_', '', 'sync_bn_', 'random_shapes_', 'cosine_', 'smooth_', 'mixup_')
    )
}
ROWS |= {
    f'faster_rcnn_r50_{name}voc0712': set(FASTER[:number])
    for number, name in enumerate(('no_augmentation_', '', 'cosine_', 'smooth_', 'mixup_'))
}
CORE = set(YOLO) - {'smoothing'}
ROWS |= {f'yolov3_d53_mixup_{name}_voc0712': CORE for name in ('even', 'beta1', 'beta15')}
ROWS |= {
    'yolov3_d53_freebies_coco': set(YOLO),
    'yolov3_d53_freebies_det_mixup_coco': set(YOLO),
    'yolov3_d53_freebies_pre_mixup_coco': set(YOLO[:-1]),
    'yolov3_d53_freebies_no_mixup_coco': set(YOLO[:-1]),
    'faster_rcnn_r50_freebies_coco': set(FASTER),
    'faster_rcnn_r101_freebies_coco': set(FASTER),
    'faster_rcnn_r101_freebies_det_mixup_coco': set(FASTER),
    'faster_rcnn_r101_freebies_pre_mixup_coco': set(FASTER[:-1]),
    'faster_rcnn_r101_freebies_no_mixup_coco': set(FASTER[:-1]),
    'htc_rfp_sac_freebies_coco': set(FASTER),
}


def load(name):
    """Read a recipe."""
    return Config.fromfile(FOLDER / f'{name}.py')


def freebies(cfg):
    """Return what a recipe has."""
    transforms = [t.type.rpartition('.')[2] for t in cfg.train_dataloader.dataset.pipeline]
    heads = cfg.model.bbox_head if 'bbox_head' in cfg.model else cfg.model.roi_head.bbox_head
    heads = heads if isinstance(heads, list) else [heads]
    smooth = {head.loss_cls.type.startswith('mmvisx.Smoothed') for head in heads}
    assert len(smooth) == 1
    return {
        name
        for name, there in {
            'augmentation': 'RandomFlip' in transforms,
            'sync BN': cfg.get('sync_bn') == 'torch',
            'shapes': bool(cfg.model.data_preprocessor.get('batch_augments')),
            'cosine': cfg.param_scheduler[-1].type == 'CosineAnnealingLR',
            'smoothing': smooth.pop(),
            'mixup': transforms[0] == 'DetectionMixUp',
        }.items()
        if there
    }


@pytest.mark.parametrize('name', ROWS)
def test_row_has_its_freebies(name):
    cfg = load(name)
    assert freebies(cfg) == ROWS[name]
    assert cfg.param_scheduler[0].type == 'LinearLR'
    assert cfg.train_dataloader.dataset.pipeline[-1].type == 'mmvisx.PackDetInputs'
    hooks = [hook.type for hook in cfg.custom_hooks]
    assert ('mmvisx.MixUpSwitchHook' in hooks) == ('mixup' in ROWS[name])
    weighted = 'mixup' in ROWS[name] and 'even' not in name
    assert ('mmvisx.BoxWeightsHook' in hooks) == weighted


def test_table_5_1():
    mixups = [
        load(f'yolov3_d53_mixup_{name}_voc0712').train_dataloader.dataset.pipeline[0]
        for name in ('even', 'beta1', 'beta15')
    ]
    assert mixups[0] == dict(type='mmvisx.DetectionMixUp', ratio=0.5, weighted=False)
    assert mixups[1] == dict(type='mmvisx.DetectionMixUp', alpha=1.0, beta=1.0)
    assert mixups[2] == dict(type='mmvisx.DetectionMixUp')


@pytest.mark.parametrize('name', [name for name in ROWS if name.startswith('yolov3')])
def test_yolo_numbers(name):
    """The setting of 5.4: 416x416, random 320 to 608 by 32; the optimizer of the authors."""
    cfg = load(name)
    assert cfg.model.bbox_head.type == 'mmvisx.SizeWeightedYOLOV3Head'
    assert not cfg.model.backbone.norm_eval
    assert cfg.model.test_cfg.nms.iou_threshold == 0.45
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (1e-3, 0.9, 5e-4)
    assert cfg.train_cfg.max_epochs == 200
    assert 8 * cfg.train_dataloader.batch_size == 64 == cfg.auto_scale_lr.base_batch_size
    side = 608 if 'coco' in name else 416
    sizes = [t.scale for t in cfg.val_dataloader.dataset.pipeline if t.type == 'Resize']
    assert sizes == [(side, side)]
    for layer in cfg.model.data_preprocessor.get('batch_augments') or ():
        assert (layer.random_size_range, layer.interval) == ((320, 608), 10)
        assert layer.size_divisor == 32
    if 'mixup' in ROWS[name]:
        assert cfg.custom_hooks[-1].num_last_epochs == 20


@pytest.mark.parametrize(('stem', 'backbone'), [('yolov3_d53', 53), ('faster_rcnn_r101', 101)])
def test_pre_training_of_tables_5_5_and_5_6(stem, backbone):
    checkpoints = {}
    for kind in ('', 'det_mixup_', 'pre_mixup_', 'no_mixup_'):
        model = load(f'{stem}_freebies_{kind}coco').model.backbone
        assert model.depth == backbone
        assert model.init_cfg.prefix == 'backbone.'
        checkpoints[kind] = Path(model.init_cfg.checkpoint)
    mixed, plain = checkpoints[''], checkpoints['no_mixup_']
    assert checkpoints['pre_mixup_'] == mixed
    assert checkpoints['det_mixup_'] == plain
    # work_dirs/{recipe}/epoch_{last}.pth
    for path, augments in ((mixed, True), (plain, False)):
        cfg = load(path.parent.name)
        assert path.stem == f'epoch_{cfg.train_cfg.max_epochs}'
        assert bool((cfg.model.get('train_cfg') or {}).get('augments')) == augments
        detector = load(f'{stem}_freebies_coco').model.data_preprocessor
        assert (cfg.data_preprocessor.mean, cfg.data_preprocessor.std) == (
            detector.mean,
            detector.std,
        )


def test_documents_numbers_and_readme():
    assert recipe_table.main([str(FOLDER), '--check']) == 0
    text = (FOLDER / 'README.md').read_text()
    numbers = '83.05 83.48 83.54 64.26 80.25 80.81 81.23 81.69 82.14 83.68 77.61 77.77 79.59'
    numbers += ' 80.23 81.32 37.6 41.1 37.0 35.0 35.3 36.4 39.9 40.1'
    for number in numbers.split():
        assert f' {number} |' in text or f' {number},' in text, number


@pytest.mark.parametrize('depth', [50, 101])
def test_coco_recipes_start_from_torchvisions_weights(depth, tmp_path):
    """By the options that the headers name, with the file at hand."""
    recipe = FOLDER / f'faster_rcnn_r{depth}_freebies_coco.py'
    header = recipe.read_text()
    assert f'init_cfg.checkpoint=torchvision://resnet{depth}' in header
    assert 'init_cfg.prefix=None' in header
    theirs = getattr(torchvision.models, f'resnet{depth}')().state_dict()
    torch.save(theirs, tmp_path / 'resnet.pth')
    parser = ArgumentParser()
    add_config_options(parser)
    key = 'model.backbone.init_cfg'
    options = [f'{key}.checkpoint={tmp_path / "resnet.pth"}', f'{key}.prefix=None']
    cfg = prepare_config(recipe, options=parser.parse_args(['--cfg-options', *options]).cfg_options)
    backbone = MODELS.build(dict(cfg.model.backbone))
    backbone.init_weights()
    ours = backbone.state_dict()
    assert set(theirs) - set(ours) == {'fc.weight', 'fc.bias'}
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
