"""The stuff side of panoptic segmentation: a nano twin trains and writes maps that merge."""

import json

import numpy as np
import pytest
from mmdet.datasets import CocoPanopticDataset
from mmengine.config import Config
from PIL import Image

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.datasets.panoptic.annotations import contiguous_labels
from mmvisx.evaluation.panoptic.format import SegmentColors
from mmvisx.evaluation.panoptic.inputs import StuffMaps, stuff_table
from mmvisx.evaluation.panoptic.merge import MergeRule, PanopticCanvas

NAME = 'configs/detectors/deeplabv3plus_r101_320k_coco_stuff.py'


def test_classes_are_coco_panoptics(repo):
    cfg = Config.fromfile(repo / NAME)
    assert tuple(cfg.classes) == CocoPanopticDataset.METAINFO['classes']
    assert cfg.model.decode_head.num_classes == cfg.model.auxiliary_head.num_classes == 133


@pytest.mark.realdata
def test_classes_have_the_order_of_the_label_maps(repo, realdata):
    path = realdata / 'panoptic_sample' / 'panoptic_coco_categories.json'
    categories = json.loads(path.read_text())
    labels = contiguous_labels(categories)
    names = {labels[category['id']]: category['name'] for category in categories}
    assert Config.fromfile(repo / NAME).classes == [names[k] for k in range(133)]


CATEGORIES = [
    {'id': 5, 'name': 'grass', 'isthing': 0},
    {'id': 1, 'name': 'person', 'isthing': 1},
    {'id': 9, 'name': 'sky', 'isthing': 0},
]


@pytest.fixture
def nano(repo, tmp_path):
    """Read the config, with a ResNet-18, three classes and two small images."""
    random = np.random.default_rng(0)
    for split in ('train2017', 'val2017'):
        (tmp_path / split).mkdir()
        (tmp_path / 'stuff133' / split).mkdir(parents=True)
        for name in 'ab':
            picture = random.integers(0, 255, (48, 64, 3), np.uint8)
            Image.fromarray(picture).save(tmp_path / split / f'{name}.jpg')
            labels = np.full((48, 64), 2, np.uint8)
            labels[:20], labels[-2:] = 1, 255
            Image.fromarray(labels).save(tmp_path / 'stuff133' / split / f'{name}.png')
    options = {
        'data_root': f'{tmp_path}/',
        'model.data_preprocessor.size': (64, 64),
        'model.backbone.depth': 18,
        'model.backbone.init_cfg': None,
        'model.decode_head.in_channels': 512,
        'model.decode_head.channels': 16,
        'model.decode_head.c1_in_channels': 64,
        'model.decode_head.num_classes': 3,
        'model.auxiliary_head.in_channels': 256,
        'model.auxiliary_head.channels': 16,
        'model.auxiliary_head.num_classes': 3,
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 3,
        'test_evaluator.output_dir': str(tmp_path / 'maps'),
    }
    cfg = prepare_config(repo / NAME, tmp_path / 'work', options)
    cfg.classes = ['person', 'grass', 'sky']
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.metainfo.classes = cfg.classes
        for step in loader.dataset.pipeline:
            if 'scale' in step:
                step.scale = (128, 64)
            if 'crop_size' in step:
                step.crop_size = (64, 64)
    return cfg


def test_trains_and_writes_label_maps_that_merge(nano, tmp_path):
    runner = build_runner(nano)
    runner.train()
    assert runner.iter == 2
    model = runner.model.train()
    batch = model.data_preprocessor(next(iter(runner.train_dataloader)), training=True)
    assert batch['inputs'].shape[-2:] == (64, 64)
    sum(loss for name, loss in model(**batch, mode='loss').items() if 'loss' in name).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []

    assert 0 <= runner.test()['mIoU'] <= 100
    maps = StuffMaps(tmp_path / 'maps', stuff_table(CATEGORIES, contiguous=True))
    for name in 'ab':
        labels = maps({'file_name': f'{name}.jpg', 'height': 48, 'width': 64})
        canvas = PanopticCanvas(48, 64, MergeRule(stuff_area_limit=1))
        canvas.add_stuff_map(labels, maps.table)
        ids, segments = canvas.finish(SegmentColors(CATEGORIES))
        assert {s['category_id'] for s in segments} <= {5, 9}
        assert ((ids == 0) == (labels == 0)).all()  # persons are detected, not segmented
