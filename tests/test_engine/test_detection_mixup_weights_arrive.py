"""Weights of mixup that would not reach the loss stop a training; with any runner of MMEngine."""

import copy

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS, DefaultScope
from mmengine.runner import Runner

from mmvisx.apis.run import prepare_config
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.utils import UserError
from tests.helpers.loggers import forget_loggers

CONFIG = 'configs/detection_freebies/yolov3_resnet18_freebies_nano_shapes_voc.py'
WEIGHTS_HOOK = dict(type='mmvisx.BoxWeightsHook')


@TRANSFORMS.register_module(name='mmvisx_test_halves', force=True)
def halves():
    """Give every box half a weight."""

    def transform(results):
        results['gt_bboxes_weights'] = np.full(len(results['gt_bboxes']), 0.5, np.float32)
        return results

    return transform


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    """Four images to train on, one to validate on."""
    root = tmp_path_factory.mktemp('shapes')
    make_shapes(root, ShapesConfig(train=4, val=1, size=96))
    return root


@pytest.fixture
def train(repo, shapes, tmp_path):
    """``train(hooks, pack, val_pack, workers, loop, **mixup)`` trains two steps."""

    def run(hooks=(), pack='mmvisx', val_pack='mmdet', workers=0, by_epoch=True, **mixup):
        cfg = prepare_config(repo / CONFIG, tmp_path / 'work')
        root = f'{shapes}/VOCdevkit/'
        train, val = cfg.train_dataloader, cfg.val_dataloader
        train.update(batch_size=2, num_workers=workers, persistent_workers=workers > 0)
        train.dataset.dataset.data_root = val.dataset.data_root = root
        train.dataset.pipeline[0].update(mixup)
        train.dataset.pipeline[-1].type = f'{pack}.PackDetInputs'
        val.dataset.pipeline[-1].type = f'{val_pack}.PackDetInputs'
        cfg.train_cfg = (
            dict(type='EpochBasedTrainLoop', max_epochs=1)
            if by_epoch
            else dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
        )
        cfg.visualizer.pop('name')
        # MMEngine's own runner, with no hook of this package but those of the test.
        cfg.custom_hooks = list(hooks)
        forget_loggers()  # and what their hubs know of a former training
        with DefaultScope.overwrite_default_scope('mmdet'):
            Runner.from_cfg(copy.deepcopy(cfg)).train()

    return run


@pytest.mark.parametrize(
    ('workers', 'by_epoch', 'pack'),
    [(0, True, 'mmvisx'), (2, True, 'mmdet'), (2, False, 'mmvisx')],
)
def test_without_the_hook(train, workers, by_epoch, pack):
    match = r'^DetectionMixUp gives boxes weights.*add dict\(type=.mmvisx.BoxWeightsHook.\)'
    with pytest.raises(UserError, match=match) as caught:
        train(workers=workers, by_epoch=by_epoch, pack=pack)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('workers', [0, 2])
def test_packed_by_mmdet(train, workers):
    with pytest.raises(UserError, match=r'dict\(type=.mmvisx.PackDetInputs.\) in place of mmdet'):
        train([WEIGHTS_HOOK], pack='mmdet', workers=workers)


@pytest.mark.parametrize(('workers', 'by_epoch'), [(0, True), (2, False)])
def test_all_there(train, workers, by_epoch):
    """Validation data need no weights."""
    train([WEIGHTS_HOOK], workers=workers, by_epoch=by_epoch)


def test_unweighted_mixup_needs_nothing(train):
    train(pack='mmdet', weighted=False)


def test_weights_of_another_transform(train):
    """Without any mixup."""
    with pytest.raises(UserError, match=r'^the pipeline gives boxes weights'):
        train(type='mmvisx_test_halves')
