"""Trainings of two iterations, an epoch each, that hooks and optimizers take part in."""

from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config, ConfigDict

from mmvisx.utils.config import load_config
from tests.contract.samples import SEG_CLASSES, write_maps
from tests.helpers.datasets import coco_content, write_coco

ROOT = Path(__file__).resolve().parents[2]


def training(kind: str, folder: Path) -> Config:
    """Return the config of a training on data that is written into ``folder``.

    Args:
        kind: ``'classifier'``, ``'co-trained'``, ``'segmentor'``, ``'tasks'``, ``'detector'``,
            ``'mixed detector'`` or ``'clusters'``.
    """
    cfg = {
        'classifier': _classifier,
        'co-trained': _co_trained,
        'segmentor': _segmentor,
        'tasks': _tasks,
        'detector': _detector,
        'mixed detector': _mixed_detector,
        'clusters': _clusters,
    }[kind](folder)
    for name in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[name] = None
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
    cfg.test_cfg = dict(type='TestLoop')
    cfg.default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1))
    cfg.custom_hooks = [dict(type='mmvisx.RandomStateHook')]
    cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
    cfg.param_scheduler = None
    cfg.randomness = dict(seed=0)
    return cfg


def _classifier(folder: Path) -> Config:
    random = np.random.default_rng(0)
    for split in ('train', 'test'):
        for name in 'abc':
            (folder / split / name).mkdir(parents=True)
            for number in range(2):
                image = random.integers(0, 255, (16, 16, 3), np.uint8)
                cv2.imwrite(str(folder / split / name / f'{number}.png'), image)
    cfg = load_config(ROOT / 'tests/data/tiny_classifier.py')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(folder)
        loader.batch_size = 6
    return cfg


def _co_trained(folder: Path) -> Config:
    """Two classifiers, with one labelled and one unlabelled image of each class."""
    cfg = _classifier(folder)
    loader = cfg.train_dataloader
    loader.dataset = ConfigDict(type='mmvisx.SemiSupervised', dataset=loader.dataset, labelled=1)
    loader.batch_sampler = ConfigDict(type='mmvisx.BundleBatchSampler')
    view = cfg.model
    cfg.model = ConfigDict(type='mmvisx.CoTrainingClassifier', views=[view, view])
    return cfg


def _segmentor(folder: Path) -> Config:
    dataset = dict(
        type='mmvisx.SegmentationDataset',
        metainfo=dict(classes=SEG_CLASSES),
        **write_maps(folder),
    )
    return _of_maps(
        dataset,
        dict(
            type='EncoderDecoder',
            decode_head=dict(HEAD, num_classes=3),
            data_preprocessor=dict(PREPROCESSOR, type='SegDataPreProcessor'),
        ),
        dict(type='mmvisx.LoadSegAnnotations'),
        dict(type='PackSegInputs'),
        dict(type='IoUMetric'),
    )


def _tasks(folder: Path) -> Config:
    classes = dict(scene=3, part=2)
    tasks = {
        task: dict(
            type='mmvisx.SegmentationDataset',
            metainfo=dict(classes=SEG_CLASSES[:count]),
            **write_maps(folder / task, classes=count),
        )
        for task, count in classes.items()
    }
    return _of_maps(
        dict(type='mmvisx.MultiTaskDataset', tasks=tasks),
        dict(
            type='mmvisx.MultiTaskSegmentor',
            task_heads={t: dict(HEAD, num_classes=count) for t, count in classes.items()},
            data_preprocessor=dict(PREPROCESSOR, type='mmvisx.TaskDataPreprocessor'),
        ),
        dict(type='mmvisx.LoadTaskAnnotations'),
        dict(type='mmvisx.PackTaskInputs'),
        [dict(type='mmvisx.TaskIoUMetric', task=task) for task in classes],
    )


HEAD = dict(
    type='FCNHead', in_channels=16, channels=8, num_convs=1, concat_input=False, dropout_ratio=0.0
)
PREPROCESSOR = dict(mean=[127.5] * 3, std=[60.0] * 3, size=(20, 32), seg_pad_val=255)


def _of_maps(dataset: dict, model: dict, load: dict, pack: dict, metric: dict | list) -> Config:
    pipeline = [dict(type='mmvisx.LoadImageFromFile'), load, pack]
    backbone = dict(type='mmvisx.CifarResNet', base_channels=4, stem_channels=4)
    loader = dict(
        batch_size=6,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(dataset, pipeline=pipeline),
    )
    return Config(
        dict(
            default_scope='mmseg',
            model=dict(model, backbone=backbone, train_cfg=dict(), test_cfg=dict(mode='whole')),
            train_dataloader=loader,
            test_dataloader=dict(loader, batch_size=1),
            test_evaluator=metric,
        )
    )


def _detector(folder: Path) -> Config:
    path = write_coco(folder, coco_content())
    cfg = load_config(ROOT / 'tests/data/tiny_mask_rcnn.py')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(folder)
        loader.dataset.ann_file = path.name
        loader.dataset.data_prefix = dict(img='img/')
        loader.dataset.metainfo = dict(classes=('cat', 'dog'))
    cfg.train_dataloader.dataset.pipeline[-1] = dict(type='mmvisx.PackDetInputs')
    cfg.test_evaluator.ann_file = str(path)
    return cfg


def _mixed_detector(folder: Path) -> Config:
    cfg = _detector(folder)
    load, mask = cfg.train_dataloader.dataset.pipeline[:2]
    inner = dict(cfg.train_dataloader.dataset, pipeline=[load, mask])
    cfg.train_dataloader.dataset = ConfigDict(
        type='MultiImageMixDataset',
        dataset=inner,
        pipeline=[
            dict(type='mmvisx.DetectionMixUp', weighted=False),
            dict(type='Resize', scale=(64, 64)),
            dict(type='mmvisx.PackDetInputs'),
        ],
    )
    return cfg


def _clusters(folder: Path) -> Config:
    """Nine points of three values, in three clusters."""
    np.save(folder / 'points.npy', np.random.default_rng(0).normal(size=(9, 3)))
    loader = dict(
        batch_size=9,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='mmvisx.datasets.whole_batch'),
        dataset=dict(type='mmvisx.VectorDataset', data=str(folder / 'points.npy')),
    )
    normal = dict(type='Normal', layer='Linear', std=0.5)
    encoder = dict(type='mmvisx.StackedEncoder', channels=(3, 4, 2), init_cfg=normal)
    return Config(
        dict(
            default_scope='mmengine',
            model=dict(type='mmvisx.DEC', encoder=encoder, num_clusters=3, channels=2),
            train_dataloader=loader,
            test_dataloader=loader,
            test_evaluator=dict(type='mmvisx.ClusterMetric'),
        )
    )
