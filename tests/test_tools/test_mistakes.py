"""A wrong value anywhere in a config ends in one line that names the entry and its value."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from mmvisx.utils import run_cli

DETECTORS = 'configs/detectors/htc_rfp_sac_nano_shapes.py'
CONNECTIVITY = 'configs/gunn/gunn_nano_connectivity.py'  # needs no files
REJUVENATION = 'configs/neural_rejuvenation/vgg11_nr_nano_connectivity.py'
TWEAKS = 'configs/bag_of_tricks/resnet18_d_nano_cifar10.py'
TASKS = 'configs/multi_task/sunet_async_nano_shapes.py'
UNET = 'configs/stacked_unet/sunet_nano_shapes.py'
YOLO = 'configs/detection_freebies/yolov3_resnet18_nano_shapes_voc.py'

# Recipe, entry, value on the command line, value as Python shows it
OPTIONS = [
    (DETECTORS, 'model.backbone.sac.switch', 'triple', "'triple'"),
    (DETECTORS, 'model.backbone.sac.atrous_factor', '0', '0'),
    (DETECTORS, 'model.backbone.sac.type', 'mmvisx.SwitchableConv', "'mmvisx.SwitchableConv'"),
    (DETECTORS, 'model.backbone.sac', '3', '3'),
    (DETECTORS, 'model.backbone.conv_cfg.type', 'ConvAWS3d', "'ConvAWS3d'"),
    (DETECTORS, 'model.backbone.norm_cfg', '3', '3'),
    (DETECTORS, 'model.backbone.depth', '19', '19'),
    (DETECTORS, 'model.backbone.out_indices', '[0,1,2,9]', '[0, 1, 2, 9]'),
    (DETECTORS, 'model.neck.rfp_steps', '0', '0'),
    (DETECTORS, 'model.neck.aspp_dilations', '[1,3,3,3]', '[1, 3, 3, 3]'),
    (DETECTORS, 'model.neck.in_channels', '64', '64'),
    (CONNECTIVITY, 'model.backbone.arch', '[3]', '[3]'),
    (CONNECTIVITY, 'model.backbone.stem', 'large', "'large'"),
    (CONNECTIVITY, 'model.head.num_classes', '-1', '-1'),
    (CONNECTIVITY, 'train_dataloader.batch_size', 'many', "'many'"),
    (CONNECTIVITY, 'train_dataloader.num_workers', '-2', '-2'),
    (CONNECTIVITY, 'train_dataloader.sampler.type', 'Sampler', "'Sampler'"),
    (CONNECTIVITY, 'train_dataloader.dataset.side', '0', '0'),
    (CONNECTIVITY, 'optim_wrapper.optimizer.lr', 'high', "'high'"),
    (CONNECTIVITY, 'optim_wrapper.optimizer.momentum', '-0.9', '-0.9'),
    (CONNECTIVITY, 'optim_wrapper.accumulative_counts', 'two', "'two'"),
    (CONNECTIVITY, 'train_cfg.max_iters', 'all', "'all'"),
    (CONNECTIVITY, 'train_cfg.val_begin', 'late', "'late'"),
    (CONNECTIVITY, 'val_evaluator.topk', 'best', "'best'"),
    (CONNECTIVITY, 'default_hooks.checkpoint.interval', 'often', "'often'"),
    (CONNECTIVITY, 'log_processor.window_size', 'wide', "'wide'"),
    (CONNECTIVITY, 'randomness.seed', 'lucky', "'lucky'"),
    (CONNECTIVITY, 'env_cfg.mp_cfg.mp_start_method', 'split', "'split'"),
    (REJUVENATION, 'custom_hooks.NeuralRejuvenationHook.variant', 'best', "'best'"),
    (REJUVENATION, 'custom_hooks.NeuralRejuvenationHook.threshold', '-0.3', '-0.3'),
    (REJUVENATION, 'model.backbone.depth', '12', '12'),
    (TWEAKS, 'model.backbone.variant', 'e', "'e'"),
    (TWEAKS, 'model.backbone.base_channels', 'many', "'many'"),
    (TASKS, 'model.backbone.arch.filters', '0', '0'),
    (TASKS, 'model.task_heads', '3', '3'),
    (UNET, 'model.backbone.output_stride', '3', '3'),
    (YOLO, 'model.bbox_head.anchor_generator.strides', '8', '8'),
]


@pytest.fixture
def refuse(tool, tmp_path, capfd, monkeypatch):
    """``refuse(tool, *arguments)`` returns the one line that a tool says before it exits."""
    monkeypatch.chdir(tmp_path)  # where no data is

    def call(path, *arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            run_cli(lambda: tool(path, *arguments))
        assert end.value.code == 1
        said = capfd.readouterr().err.partition('error: ')[2]
        assert said.count('\n') == 1, said
        return said

    return call


@pytest.mark.parametrize(('config', 'entry', 'given', 'shown'), OPTIONS)
def test_option(refuse, repo, tmp_path, config, entry, given, shown):
    work = ('--work-dir', tmp_path / 'work')
    short = ['train_cfg.max_iters=2', 'train_dataloader.dataset.number=128']
    short = short if 'connectivity' in config else []  # those have data
    line = refuse(
        'tools/train.py', repo / config, *work, '--cfg-options', *short, f'{entry}={given}'
    )
    entry = entry.replace('NeuralRejuvenationHook', '3')  # its position
    assert f'{entry}={shown}' in line, line


def transform(text):
    """A statement that puts a transform first in the training's pipeline."""
    return f'train_dataloader = dict(dataset=dict(pipeline=[{text}, *_base_.train_pipeline]))'


STEP = 'train_dataloader.dataset.pipeline.0'
# Statements after `_base_ = tiny detector`, entry and value
STATEMENTS = [
    (transform("dict(type='mmvisx.HSVJitter', hue=(2, 1))"), f'{STEP}.hue=(2, 1)'),
    (transform("dict(type='mmvisx.PCANoise', std=-1)"), f'{STEP}.std=-1'),
    (transform("dict(type='mmvisx.RandomScale', low=3)"), f'{STEP}.low=3'),
    (transform("dict(type='mmvisx.DetectionMixUp', alpha=0)"), f'{STEP}.alpha=0'),
    (transform("dict(type='mmvisx.PackDetInputs', meta=())"), f'{STEP}.meta=()'),
    (transform("dict(type='Resize', scale='large')"), f"{STEP}.scale='large'"),
    (transform("dict(type='mmvisx.RandomFlip', prob='often')"), f"{STEP}.prob='often'"),
    (transform("dict(type='Resise')"), f"{STEP}.type='Resise'"),
    (
        "train_dataloader = dict(dataset=dict(type='mmvisx.CocoDataset', max_refetch='more'))",
        "train_dataloader.dataset.max_refetch='more'",
    ),
    (
        "train_dataloader = dict(sampler=dict(_delete_=True, type='mmvisx.ClassBalancedSampler', "
        "mode='best'))",
        "train_dataloader.sampler.mode='best'",
    ),
    ("val_evaluator = dict(metric='area')", "val_evaluator.metric='area'"),
    ("val_evaluator = dict(subsets=dict(small='*.png'))", "val_evaluator.subsets={'small"),
    (
        "val_evaluator = dict(_delete_=True, type='mmvisx.VOCMetric', iou_thrs='high')",
        "val_evaluator.iou_thrs='high'",
    ),
    (
        "val_evaluator = dict(_delete_=True, type='mmvisx.PanopticQualityMetric', ann_file='a.x')",
        "val_evaluator.ann_file='a.x'",
    ),
    (
        "custom_hooks = [dict(type='mmvisx.UpdateRatioHook', healthy=(2, 1))]",
        'custom_hooks.0.healthy=(2, 1)',
    ),
    (
        "custom_hooks = [dict(type='mmvisx.CheckFiniteLossHook', interval=0)]",
        'custom_hooks.0.interval=0',
    ),
    (
        "custom_hooks = [dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=-1)]",
        'custom_hooks.0.num_last_epochs=-1',
    ),
    (
        "custom_hooks = [dict(type='mmvisx.NetworkSlimmingHook', target=2)]",
        'custom_hooks.0.target=2',
    ),
    ("custom_hooks = [dict(type='mmvisx.BoxWeightsHook', on=1)]", 'custom_hooks.0.on=1'),
    (
        "param_scheduler = [dict(type='mmvisx.LinearWarmupLR', begin=5, end=2, by_epoch=False)]",
        'param_scheduler.0.begin=5 or param_scheduler.0.end=2',
    ),
    (
        "optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', betas=(2, 1)))",
        'optim_wrapper.optimizer.betas=(2, 1)',
    ),
    ('optim_wrapper = dict(paramwise_cfg=3)', 'optim_wrapper.paramwise_cfg=3'),
    ("train_cfg = dict(type='EpochLoop')", "train_cfg.type='EpochLoop'"),
    (
        'model = dict(data_preprocessor=dict(batch_augments=[dict(type='
        "'mmvisx.RandomTrainingShapes', random_size_range=(64, 32))]))",
        'random_size_range=(64, 32)',
    ),
    (
        'model = dict(roi_head=dict(bbox_head=dict(loss_cls=dict(type='
        "'mmvisx.SmoothedCrossEntropyLoss', label_smooth_val=3))))",
        'model.roi_head.bbox_head.loss_cls.label_smooth_val=3',
    ),
]


@pytest.mark.parametrize(('statement', 'shown'), STATEMENTS)
def test_statement(refuse, tmp_path, tiny_config, tiny_coco, statement, shown):
    path = tmp_path / 'mine.py'
    text = f'_base_ = {str(tiny_config)!r}\n{statement}\n'
    path.write_text(text)
    work = ('--work-dir', tmp_path / 'work')
    line = refuse('tools/train.py', path, *work, '--cfg-options', f'data_root={tiny_coco}')
    assert f'config entry {shown}' in line or f'.{shown}' in line, line


def test_one_line_and_nothing_else(repo, tmp_path):
    """In a process of its own, as a user sees it."""
    command = [
        sys.executable, '-W', 'ignore', repo / 'tools' / 'train.py', repo / DETECTORS,
        '--work-dir', tmp_path, '--cfg-options', 'model.backbone.sac.switch=triple',
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=repo)
    assert done.returncode == 1
    assert done.stderr == (
        "error: config entry model.backbone.sac.switch='triple': switch must be 'single' or "
        "'dual', got 'triple'\n"
    )
    assert 'Traceback' not in done.stdout


@pytest.mark.parametrize(
    ('path', 'arguments'),
    [
        ('tools/train.py', ['--work-dir', 'work']),
        ('tools/test.py', ['weights.pth', '--work-dir', 'work']),
        ('tools/analysis/get_flops.py', ['--shape', '32', '32']),
        ('tools/analysis/collapsed_channels.py', ['weights.pth']),
        ('tools/deployment/export_onnx.py', ['weights.pth', '--out', 'x.onnx']),
        ('tools/analysis/label_smooth_gap.py', ['weights.pth']),
        ('tools/model_converters/export_rejuvenated.py', ['weights.pth', '--out', 'x.pth']),
    ],
)
def test_tool_with_options(refuse, repo, tmp_path, path, arguments):
    torch.save({'state_dict': {'weight': torch.zeros(1)}}, tmp_path / 'weights.pth')
    option = ['model.backbone.stem=large']
    line = refuse(path, repo / CONNECTIVITY, *arguments, '--cfg-options', *option)
    assert "config entry model.backbone.stem='large': " in line


@pytest.mark.parametrize(
    ('path', 'base', 'statement', 'arguments'),
    [
        ('tools/analysis/show_filters.py', CONNECTIVITY, 'classifier', ['CONFIG', 'WEIGHTS']),
        ('tools/analysis/show_switches.py', DETECTORS, 'detector', ['CONFIG', 'WEIGHTS', 'IMAGE']),
        (
            'tools/analysis/elephant.py',
            DETECTORS,
            'detector',
            ['run', 'CONFIG', 'WEIGHTS', 'IMAGE', '--patch', 'IMAGE'],
        ),
        ('demo/image_demo.py', DETECTORS, 'detector', ['IMAGE', 'CONFIG', 'WEIGHTS']),
        ('demo/image_demo.py', UNET, 'segmentor', ['IMAGE', 'CONFIG', 'WEIGHTS']),
        ('demo/image_demo.py', TWEAKS, 'tweaks', ['IMAGE', 'CONFIG', 'WEIGHTS']),
        ('demo/seg_demo.py', UNET, 'segmentor', ['IMAGE', 'CONFIG', 'WEIGHTS']),
        (
            'tools/model_converters/warm_start_detectors.py',
            DETECTORS,
            'detector',
            ['WEIGHTS', 'CONFIG', 'out.pth'],
        ),
        ('tools/analysis/browse_dataset.py', CONNECTIVITY, 'grids', ['CONFIG']),
        ('tools/analysis/plot_lr.py', CONNECTIVITY, 'schedule', ['CONFIG']),
    ],
)
def test_tool_with_a_config(refuse, repo, tmp_path, path, base, statement, arguments):
    text, shown = {
        'classifier': ("model = dict(backbone=dict(stem='large'))", "model.backbone.stem='large'"),
        'tweaks': ("model = dict(backbone=dict(variant='e'))", "model.backbone.variant='e'"),
        'detector': (
            "model = dict(backbone=dict(sac=dict(switch='triple')))",
            "model.backbone.sac.switch='triple'",
        ),
        'segmentor': ('model = dict(backbone=dict(norm_cfg=3))', 'model.backbone.norm_cfg=3'),
        'grids': ("train_dataloader = dict(dataset=dict(side='wide'))", "dataset.side='wide'"),
        'schedule': ('param_scheduler = dict(gamma="small")', "param_scheduler.gamma='small'"),
    }[statement]
    places = {name: tmp_path / file for name, file in
              (('CONFIG', 'c.py'), ('WEIGHTS', 'w.pth'), ('IMAGE', 'image.png'))}  # fmt: skip
    places['CONFIG'].write_text(f'_base_ = {str(repo / base)!r}\n{text}\n')
    torch.save({'state_dict': {'weight': torch.zeros(1)}}, places['WEIGHTS'])
    cv2.imwrite(str(places['IMAGE']), np.zeros((48, 64, 3), np.uint8))
    line = refuse(path, *(places.get(argument, argument) for argument in arguments))
    assert shown in line, line
