"""The recipes of co-training: the chapter's numbers, and a training on few images."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvisx.apis.run import build_runner, prepare_config
from tests.helpers.checkpoints import same
from tests.helpers.loggers import forget_loggers
from tests.helpers.semi_supervised import image_folder, write_images, write_list

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'co_training'
LETTERS = 'abcdefghij'


@pytest.mark.parametrize(('name', 'views'), [('two', 2), ('four', 4), ('eight', 8)])
def test_numbers_of_the_chapter(name, views):
    cfg = prepare_config(CONFIGS / f'{name}_views_600e_cifar10.py')
    assert len(cfg.model.views) == views == 2 * cfg.train_dataloader.batch_sampler.bundles
    assert (cfg.model.lambda_cot, cfg.model.lambda_dif, cfg.model.step) == (10, 0.5, 0.02)
    assert cfg.train_dataloader.batch_size == 100
    assert cfg.train_dataloader.dataset.labelled == 400
    assert (cfg.train_cfg.max_epochs, cfg.custom_hooks[-1].epochs) == (600, 80)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.momentum, optimizer.weight_decay) == ('SGD', 0.9, 1e-4)


def test_learning_rate_of_the_chapter():
    cfg = prepare_config(CONFIGS / 'two_views_600e_cifar10.py')
    optimizer = torch.optim.SGD([torch.zeros(1)], cfg.optim_wrapper.optimizer.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg.param_scheduler.T_max)
    for epoch in range(1, 601):
        wanted = 0.05 * (1 + math.cos((epoch - 1) * math.pi / 600))
        assert optimizer.param_groups[0]['lr'] == pytest.approx(wanted, abs=1e-12)
        optimizer.step()
        schedule.step()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('data') / 'train', classes=10, each=4, size=14)


def train(folder, work, views='two', train_data=None, **options):
    """Train for two epochs of two steps with 5 labelled images of 20; return the runner."""
    forget_loggers()
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options |= {f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False}
    for loader in ('val_dataloader', 'test_dataloader'):
        options |= {f'{loader}.dataset.data_root': '', f'{loader}.dataset.data_prefix': str(folder)}
    options = {
        'train_dataloader.batch_size': 20,
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 2,
        'default_hooks.checkpoint': dict(by_epoch=False, interval=1, max_keep_ckpts=-1),
        'default_hooks.logger.interval': 1,
        'randomness.seed': 0,
    } | options
    cfg = prepare_config(CONFIGS / f'{views}_views_nano_digits.py', work, options)
    data = cfg.train_dataloader.dataset
    data.labelled = 1
    data.dataset.data_root, data.dataset.data_prefix = '', str(folder)
    data.dataset.update((train_data or {}).get('dataset', {}))
    data.update({k: v for k, v in (train_data or {}).items() if k != 'dataset'})
    if 'unlabelled' in data:
        data.unlabelled.pipeline = data.dataset.pipeline
    runner = build_runner(cfg)
    runner.train()
    return runner


def weights(runner):
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


@pytest.fixture(scope='module')
def whole(folder, tmp_path_factory):
    """A training of two views, and where it is."""
    work = tmp_path_factory.mktemp('work')
    return train(folder, work), work


def test_two_views_train_and_each_is_evaluated(whole):
    runner, _ = whole
    assert runner.iter == 4
    found = runner.test()
    assert {'views/0', 'views/1', 'views/mean', 'views/ensemble', 'views/disagreement'} <= set(
        found
    )
    assert found['views/mean'] == pytest.approx((found['views/0'] + found['views/1']) / 2)
    assert runner.model.ramp == pytest.approx(math.exp(-5 * (1 - 2 / 4) ** 2))
    lines = (Path(runner.log_dir) / 'vis_data' / 'scalars.json').read_text().splitlines()
    first = json.loads(lines[0])
    ramp = math.exp(-5 * (1 - 1 / 4) ** 2)
    assert first['loss_cot'] == pytest.approx(10 * ramp * first['cot'], rel=1e-4)
    assert first['loss_dif'] == pytest.approx(0.5 * ramp * first['dif'], rel=1e-4)
    assert 0 <= first['unmoved'] < 0.5


@pytest.mark.parametrize('iteration', [1, 3])
def test_killed_in_the_middle_of_an_epoch_and_resumed(whole, folder, tmp_path, iteration):
    runner, work = whole
    checkpoint = str(work / f'iter_{iteration}.pth')
    resumed = train(folder, tmp_path, resume=True, load_from=checkpoint)
    assert same(weights(runner), weights(resumed))


def test_four_views_resume_with_their_pairs(folder, tmp_path):
    runner = train(folder, tmp_path / 'whole', 'four')
    checkpoint = str(tmp_path / 'whole' / 'iter_3.pth')
    resumed = train(folder, tmp_path / 'resumed', 'four', resume=True, load_from=checkpoint)
    assert runner.model.steps == 4
    assert same(weights(runner), weights(resumed))


def test_hidden_labels_that_are_noise_or_absent_change_no_bit(whole, folder, tmp_path):
    chosen = {
        info['img_path'] for info in map(whole[0].train_dataloader.dataset.get_data_info, range(10))
    }
    names = [f'{c}/{k}.png' for c in LETTERS for k in range(4)]
    known = [name for name in names if str(folder / name) in chosen]
    assert len(known) == 10
    listed = write_list(tmp_path / 'known.txt', known)
    noise = np.random.default_rng(0).integers(0, 10, 40)
    lines = [
        f'{name} {LETTERS.index(name[0]) if name in known else noise[k]}'
        for k, name in enumerate(names)
    ]
    wrong = write_list(tmp_path / 'wrong.txt', lines)
    noisy = train(
        folder, tmp_path / 'a', train_data=dict(labelled=listed, dataset=dict(ann_file=wrong))
    )
    assert same(weights(whole[0]), weights(noisy))
    loose = tmp_path / 'loose'
    for name in set(names) - set(known):
        (loose / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, loose / name)
    unlabelled = image_folder(loose, with_label=False)
    absent = train(folder, tmp_path / 'b', train_data=dict(labelled=listed, unlabelled=unlabelled))
    assert same(weights(whole[0]), weights(absent))
    # Other labels of the known images do change the weights
    moved = [f'{n} {(LETTERS.index(n[0]) + 1) % 10}' for n in names]
    data = dict(labelled=listed, dataset=dict(ann_file=write_list(tmp_path / 'm.txt', moved)))
    assert not same(weights(whole[0]), weights(train(folder, tmp_path / 'c', train_data=data)))
