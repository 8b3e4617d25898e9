"""The recipes of co-trained segmentors and their supervised twin, on few images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.engine.hooks.check_seg_labels import heads_of
from mmvisx.utils import UserError
from tests.contract.samples import write_maps
from tests.helpers.loggers import forget_loggers

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'co_training'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Eight images with label maps of all classes."""
    folder = tmp_path_factory.mktemp('data')
    write_maps(folder, classes=10, count=8)
    return folder


def prepare(name, folder, work, **options):
    """Return the runner of two epochs of two steps on 16x16 crops, 4 of 8 images labelled."""
    forget_loggers()
    files = {'data_root': str(folder), 'data_prefix.img_path': 'images'}
    files['data_prefix.seg_map_path'] = 'masks'
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        place = f'{loader}.dataset' + ('.dataset' if loader == 'train_dataloader' else '')
        options |= {f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False}
        options |= {f'{place}.{key}': value for key, value in files.items()}
    options = {
        'model.data_preprocessor.size': (16, 16),
        'train_dataloader.dataset.labelled': 4,
        'train_dataloader.dataset.times': 1,
        'train_dataloader.dataset.dataset.indices': 8,
        'train_dataloader.batch_size': 4,
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 2,
        'param_scheduler.T_max': 2,
        'default_hooks.checkpoint': dict(by_epoch=False, interval=1, max_keep_ckpts=-1),
        'randomness.seed': 0,
    } | options
    cfg = prepare_config(CONFIGS / f'{name}_nano_shapes.py', work, options)
    for step in cfg.train_dataloader.dataset.dataset.pipeline:
        if 'crop_size' in step:
            step.crop_size = (16, 16)
    for part in cfg.model.get('views', [cfg.model]):
        part.backbone.update(stem_channels=4, base_channels=4)
        part.decode_head.in_channels = [8, 16, 32]
    return build_runner(cfg)


def weights(runner):
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in one.items())


@pytest.fixture(scope='module')
def whole(folder, tmp_path_factory):
    """A training of two segmentors, and where it is."""
    work = tmp_path_factory.mktemp('work')
    runner = prepare('two_views', folder, work)
    runner.train()
    return runner, work


def test_segmentors_train_and_each_is_evaluated(whole):
    runner, _ = whole
    assert runner.iter >= 4
    found = runner.test()
    assert set(found) == {f'views/{k}' for k in ('0', '1', 'mean', 'ensemble')}
    assert found['views/mean'] == pytest.approx((found['views/0'] + found['views/1']) / 2)


def test_segmentors_are_watched_and_equal_ones_stay_equal(folder, tmp_path):
    hooks = [dict(type=f'mmvisx.{kind}Hook') for kind in ('EqualViews', 'ViewMonitor')]
    hooks[1] |= dict(interval=1, in_a_row=4, least=0, on_collapse='stop')
    options = {f'model.views.{k}.decode_head.dropout_ratio': 0.0 for k in (0, 1)}
    options |= {'model.lambda_dif': 0.0, 'custom_hooks': hooks}
    runner = prepare('two_views', folder, tmp_path, **options)
    with pytest.raises(UserError, match='iteration 4: views 0 and 1 have collapsed into one'):
        runner.train()
    first, second = (list(view.parameters()) for view in runner.model.views)
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_a_killed_training_goes_on_as_the_uninterrupted_one(whole, folder, tmp_path):
    runner, work = whole
    options = dict(resume=True, load_from=str(work / 'iter_1.pth'))
    resumed = prepare('two_views', folder, tmp_path, **options)
    resumed.train()
    assert same(weights(runner), weights(resumed))


def test_hidden_label_maps_that_are_noise_change_no_bit(whole, folder, tmp_path):
    data = whole[0].train_dataloader.dataset
    other = tmp_path / 'data'
    write_maps(other, classes=10, count=8)
    random = np.random.default_rng(0)
    for name in data.names()[data.num_labelled :]:
        labels = random.integers(0, 10, (20, 30)).astype(np.uint8)
        Image.fromarray(labels).save(other / 'masks' / f'{Path(name).stem}.png')
    runner = prepare('two_views', other, tmp_path / 'work')
    runner.train()
    assert same(weights(whole[0]), weights(runner))


def test_the_supervised_twin_trains_on_the_same_images(whole, folder, tmp_path):
    options = {'train_dataloader.batch_size': 2}
    runner = prepare('supervised', folder, tmp_path, **options)
    data = whole[0].train_dataloader.dataset
    paths = {data.get_data_info(index)['img_path'] for index in range(data.num_labelled)}
    runner.train()
    mine = runner.train_dataloader.dataset
    assert {mine.get_data_info(index)['img_path'] for index in range(len(mine))} == paths
    assert 'mIoU' in runner.test()


def test_heads_are_compared_with_the_data_view_by_view(folder, tmp_path):
    options = {'model.views.1.decode_head.num_classes': 9}
    with pytest.raises(UserError, match=r'numbers of classes: \[10, 9\]'):
        prepare('two_views', folder, tmp_path, **options)
    runner = prepare('two_views', folder, tmp_path)
    heads = [(place, head.num_classes) for _, place, head in heads_of(runner.model)]
    assert heads == [(f'model.views.{k}.decode_head', 10) for k in (0, 1)]
