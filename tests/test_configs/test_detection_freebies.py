"""The recipes of chapter 5: each row has what its table says."""

from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
import torchvision
from mmdet.registry import MODELS
from mmengine.config import Config

from mmvisx.apis.run import prepare_config
from mmvisx.cli.analysis import recipe_table
from mmvisx.cli.options import add_config_options

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


# --- the numbers of each row, from the text, and from the authors' code where that says nothing

# "Random cropping (with constraints), random expansion", "color jittering" (5.3.3)
CROP = dict(type='MinIoURandomCrop', min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3)
COLOURS = dict(type='PhotoMetricDistortion')
FLIP = dict(type='RandomFlip', prob=0.5)  # "chances of 0.5 to flip horizontally"
PACK = dict(type='mmvisx.PackDetInputs')
MIX = dict(type='mmvisx.DetectionMixUp')
YOLO_ANCHORS = [
    [(116, 90), (156, 198), (373, 326)],
    [(30, 61), (62, 45), (59, 119)],
    [(10, 13), (16, 30), (33, 23)],
]


def square(side):
    return dict(type='Resize', scale=(side, side), keep_ratio=False)


def warm_up(iterations):
    return dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=iterations)


def yolo_pipeline(name):
    """416, or up to 608 where the shapes are random; without augmentation only that."""
    coco = 'coco' in name
    if 'no_augmentation' in name:
        return [square(416), PACK]
    expand = dict(type='Expand', mean=[0, 0, 0], ratio_range=(1, 4))
    if coco:  # filled with the mean that the backbone was trained with
        expand = dict(expand, mean=[123.675, 116.28, 103.53], to_rgb=True)
    side = 608 if 'shapes' in ROWS[name] else 416
    first = [MIX] if 'mixup' in ROWS[name] else []
    if 'even' in name:
        first = [dict(MIX, ratio=0.5, weighted=False)]
    elif 'beta1_' in name:
        first = [dict(MIX, alpha=1.0, beta=1.0)]
    return [*first, COLOURS, expand, CROP, square(side), FLIP, PACK]


def yolo_schedule(name):
    """Drops at 40k and 45k iterations (5.3.4), or a cosine down to 0 at the end of 200 epochs."""
    # Of 259 batches (16,551 images of VOC, 64 at a time) and of 1,833 (117,266 of COCO).
    iterations = 366_600 if 'coco' in name else 51_800
    first = warm_up(2000 if 'coco' in name else 1000)
    steps = dict(type='MultiStepLR', milestones=[40_000, 45_000], gamma=0.1)
    cosine = dict(type='CosineAnnealingLR', T_max=iterations)
    second = cosine if 'cosine' in ROWS[name] else steps
    return [first, dict(second, by_epoch=False, begin=0, end=iterations)]


@pytest.mark.parametrize('name', [name for name in ROWS if name.startswith('yolov3')])
def test_yolo_rows_in_numbers(name):
    cfg = load(name)
    loader, model = cfg.train_dataloader, cfg.model
    assert loader.dataset.pipeline == yolo_pipeline(name)
    assert cfg.param_scheduler == yolo_schedule(name)
    assert cfg.optim_wrapper.type == 'OptimWrapper'
    assert cfg.optim_wrapper.get('clip_grad') is None
    # "No decay to bias terms" (5.3.6) is no row of Table 5.2.
    no_decay = dict(norm_decay_mult=0.0, bias_decay_mult=0.0) if 'coco' in name else None
    assert cfg.optim_wrapper.get('paramwise_cfg') == no_decay
    assert loader.batch_sampler is None
    head = model.bbox_head
    assert head.num_classes == (80 if 'coco' in name else 20)
    assert head.anchor_generator.base_sizes == YOLO_ANCHORS
    assert head.anchor_generator.strides == head.featmap_strides == [32, 16, 8]
    assigner = dict(type='GridAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0)
    assert model.train_cfg.assigner == assigner
    smooth = dict(type='mmvisx.SmoothedSigmoidLoss', reduction='sum')
    cross = dict(type='CrossEntropyLoss', use_sigmoid=True, reduction='sum')
    assert head.loss_cls == (smooth if 'smoothing' in ROWS[name] else cross)
    assert head.loss_conf == head.loss_xy == cross
    assert head.loss_wh == dict(type='MSELoss', reduction='sum')
    assert (model.backbone.type, model.backbone.depth) == ('Darknet', 53)
    assert model.backbone.out_indices == (3, 4, 5)
    scale = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    scale = scale if 'coco' in name else ([0, 0, 0], [255.0] * 3)
    assert (model.data_preprocessor.mean, model.data_preprocessor.std) == scale
    assert model.data_preprocessor.bgr_to_rgb


@pytest.mark.parametrize('name', [name for name in ROWS if name.startswith('faster_rcnn')])
def test_faster_rcnn_rows_in_numbers(name):
    cfg = load(name)
    coco = 'coco' in name
    loader, model = cfg.train_dataloader, cfg.model
    # "The shorter sides are resized to 600 ... the longer side smaller than 1000"; COCO 800x1300
    resize = dict(type='Resize', scale=(1300, 800) if coco else (1000, 600), keep_ratio=True)
    first = [MIX] if 'mixup' in ROWS[name] else []
    flip = [FLIP] if 'augmentation' in ROWS[name] else []
    assert loader.dataset.pipeline == [*first, resize, *flip, PACK]
    assert cfg.val_dataloader.dataset.pipeline[1] == resize
    assert cfg.test_dataloader.dataset.pipeline[1] == resize
    epochs = 26 if coco else 20
    assert cfg.train_cfg.max_epochs == epochs
    whole = dict(by_epoch=True, begin=0, end=epochs)
    # A tenth after 60k of 80k iterations: three quarters
    second = dict(whole, type='MultiStepLR', milestones=[15], gamma=0.1)
    if 'cosine' in ROWS[name]:
        second = dict(whole, type='CosineAnnealingLR', T_max=epochs, convert_to_iter_based=True)
    assert cfg.param_scheduler == [warm_up(1000 if coco else 500), second]
    rate = 0.02 if coco else 0.01
    optimizer = dict(type='SGD', lr=rate, momentum=0.9, weight_decay=1e-4)
    assert cfg.optim_wrapper.optimizer == optimizer
    no_decay = dict(norm_decay_mult=0.0, bias_decay_mult=0.0) if coco else None
    assert cfg.optim_wrapper.get('paramwise_cfg') == no_decay
    assert 8 * loader.batch_size == 16 == cfg.auto_scale_lr.base_batch_size
    if 'mixup' in ROWS[name]:
        assert cfg.custom_hooks[-1].num_last_epochs == (3 if coco else 2)
    head = model.roi_head.bbox_head
    assert head.num_classes == (80 if coco else 20)
    smooth = dict(type='mmvisx.SmoothedCrossEntropyLoss')
    cross = dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)
    assert head.loss_cls == (smooth if 'smoothing' in ROWS[name] else cross)
    assert head.bbox_coder.target_stds == [0.1, 0.1, 0.2, 0.2]
    anchors = model.rpn_head.anchor_generator
    assert (anchors.scales, anchors.ratios) == ([8], [0.5, 1.0, 2.0])
    assert anchors.strides == [4, 8, 16, 32, 64]
    rpn, rcnn = model.train_cfg.rpn, model.train_cfg.rcnn
    assert (rpn.assigner.pos_iou_thr, rpn.assigner.neg_iou_thr) == (0.7, 0.3)
    assert (rpn.sampler.num, rpn.sampler.pos_fraction) == (256, 0.5)
    assert (rcnn.assigner.pos_iou_thr, rcnn.assigner.neg_iou_thr) == (0.5, 0.5)
    assert (rcnn.sampler.num, rcnn.sampler.pos_fraction) == (512, 0.25)
    nms = dict(type='nms', iou_threshold=0.5)
    assert model.test_cfg.rcnn == dict(score_thr=0.05, nms=nms, max_per_img=100)
    assert model.backbone.depth == (101 if 'r101' in name else 50)
    assert (model.backbone.frozen_stages, model.backbone.norm_eval) == (1, True)
    assert model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    assert model.data_preprocessor.std == [58.395, 57.12, 57.375]


def test_data_of_the_tables():
    """VOC 2007 and 2012 trainval, tested on 2007 test; COCO train2017 and val2017."""
    for name in ROWS:
        cfg = load(name)
        inner = cfg.train_dataloader.dataset.dataset
        if 'voc' in name:
            years = [f'VOC{year}/ImageSets/Main/trainval.txt' for year in (2007, 2012)]
            assert [part.ann_file for part in inner.datasets] == years
            tested = 'VOC2007/ImageSets/Main/test.txt'
        else:
            assert inner.ann_file == 'annotations/instances_train2017.json'
            tested = 'annotations/instances_val2017.json'
        for loader in (cfg.val_dataloader, cfg.test_dataloader):
            assert loader.dataset.ann_file == tested
            assert loader.dataset.test_mode
        metric = 'VOCMetric' if 'voc' in name else 'CocoMetric'
        assert cfg.val_evaluator.type == cfg.test_evaluator.type == f'mmvisx.{metric}'


def test_detectors_with_freebies_in_numbers():
    cfg = load('htc_rfp_sac_freebies_coco')
    resize = dict(type='Resize', scale=(1333, 800), keep_ratio=True)
    assert cfg.train_dataloader.dataset.pipeline == [MIX, resize, FLIP, PACK]
    assert cfg.train_cfg.max_epochs == 12
    whole = dict(by_epoch=True, begin=0, end=12, T_max=12, convert_to_iter_based=True)
    assert cfg.param_scheduler == [warm_up(500), dict(whole, type='CosineAnnealingLR')]
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4)
    assert cfg.custom_hooks[-1].num_last_epochs == 2


@pytest.mark.parametrize(
    ('name', 'epochs', 'depth', 'mixed'),
    [
        ('darknet53_imagenet', 120, 53, False),
        ('darknet53_mixup_imagenet', 200, 53, True),
        ('resnet101_imagenet', 120, 101, False),
        ('resnet101_mixup_imagenet', 200, 101, True),
        ('resnet50_mixup_imagenet', 200, 50, True),
    ],
)
def test_pre_training_in_numbers(name, epochs, depth, mixed):
    """The training of chapter 2, "with mixup" by its setting: alpha 0.2, 200 epochs."""
    cfg = load(name)
    assert cfg.train_cfg.max_epochs == epochs
    steady = dict(by_epoch=True, convert_to_iter_based=True)
    assert cfg.param_scheduler == [
        dict(steady, type='mmvisx.LinearWarmupLR', begin=0, end=5),
        dict(steady, type='CosineAnnealingLR', begin=5, end=epochs, T_max=epochs - 5, eta_min=0),
    ]
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.4, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    assert 8 * cfg.train_dataloader.batch_size == 1024
    assert cfg.model.backbone.depth == depth
    augments = dict(type='mmvisx.MirrorMixup', alpha=0.2)
    assert (cfg.model.get('train_cfg') or {}).get('augments') == (augments if mixed else None)
    assert cfg.model.head.loss == dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1)
