"""The recipes of co-training: the chapter's numbers, and a training on few images."""

import json
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.helpers.checkpoints import same
from tests.helpers.loggers import forget_loggers
from tests.helpers.semi_supervised import image_folder, write_images, write_list

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'co_training'
LETTERS = 'abcdefghij'


# Rows of Tables 3-I and 3-II: views, weights, labelled images of each class, all training images
CHAPTER = {
    'two_views_600e_svhn': (2, 10, 0.5, 100, 73257),
    'four_views_600e_svhn': (4, 10, 0.5, 100, 73257),
    'eight_views_600e_svhn': (8, 10, 0.5, 100, 73257),
    'two_views_600e_cifar10': (2, 10, 0.5, 400, 50000),
    'four_views_600e_cifar10': (4, 10, 0.5, 400, 50000),
    'eight_views_600e_cifar10': (8, 10, 0.5, 400, 50000),
    'two_views_600e_cifar100': (2, 10, 1.0, 100, 50000),
    'two_views_plain_600e_cifar100': (2, 10, 1.0, 100, 50000),
    # Figures 3-1 and 3-2
    'cot_only_600e_svhn': (2, 10, 0, 100, 73257),
    'cot_only_600e_cifar10': (2, 10, 0, 400, 50000),
    'dif_only_600e_svhn': (2, 0, 0.5, 100, 73257),
    'dif_only_600e_cifar10': (2, 0, 0.5, 400, 50000),
}
CLASSES = dict(svhn=10, cifar10=10, cifar100=100)


def check_schedule(cfg):
    """600 epochs, of which the weights rise for 80; SGD as printed."""
    hooks = {hook.type: hook for hook in cfg.custom_hooks}
    assert (cfg.train_cfg.max_epochs, hooks['mmvisx.CoTrainingRampHook'].epochs) == (600, 80)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ('SGD', 0.1)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-4)
    assert cfg.param_scheduler.T_max == 600


@pytest.mark.parametrize('name', CHAPTER)
def test_numbers_of_the_chapter(name):
    views, cot, dif, each, _ = CHAPTER[name]
    cfg = prepare_config(CONFIGS / f'{name}.py')
    assert len(cfg.model.views) == views == 2 * cfg.train_dataloader.batch_sampler.bundles
    assert (cfg.model.lambda_cot, cfg.model.lambda_dif, cfg.model.step) == (cot, dif, 0.02)
    assert cfg.train_dataloader.batch_size == 100
    assert cfg.train_dataloader.dataset.labelled == each
    assert 'times' not in cfg.train_dataloader.dataset
    assert cfg.custom_hooks[-1] == dict(type='mmvisx.ViewMonitorHook', interval=50)
    check_schedule(cfg)


@pytest.mark.parametrize(
    'name', [p.stem for p in sorted(CONFIGS.glob('*_600e_*.py')) if 'imagenet' not in p.stem]
)
def test_networks_and_augmentation_of_the_chapter(name):
    cfg = prepare_config(CONFIGS / f'{name}.py')
    data = name.rpartition('_')[2]
    for view in cfg.model.views:
        assert view.backbone == dict(type='mmvisx.CNN13')
        assert view.head.num_classes == CLASSES[data]
    assert cfg.model.data_preprocessor.num_classes == CLASSES[data]
    inner = cfg.train_dataloader.dataset.dataset
    assert inner.type == dict(svhn='mmvisx.SVHN', cifar10='CIFAR10', cifar100='CIFAR100')[data]
    assert (inner.split, cfg.test_dataloader.dataset.split) == ('train', 'test')
    crop, *rest = inner.pipeline
    if 'plain' in name:
        assert (crop.type, rest) == ('PackInputs', [])
    else:
        assert (crop.crop_size, crop.padding, crop.padding_mode) == (32, 2, 'reflect')
        assert [step.type for step in rest] == ['RandomFlip'] * (data != 'svhn') + ['PackInputs']


# What stands beside it: the class, and the recipe with the same data
BESIDE = {
    'pi_model_600e_svhn': ('mmvisx.PiModel', 'two_views_600e_svhn'),
    'pi_model_600e_cifar10': ('mmvisx.PiModel', 'two_views_600e_cifar10'),
    'pi_model_600e_cifar100': ('mmvisx.PiModel', 'two_views_600e_cifar100'),
    'mean_teacher_600e_svhn': ('mmvisx.MeanTeacher', 'two_views_600e_svhn'),
    'mean_teacher_600e_cifar10': ('mmvisx.MeanTeacher', 'two_views_600e_cifar10'),
    'pi_model_nano_digits': ('mmvisx.PiModel', 'two_views_nano_digits'),
    'mean_teacher_nano_digits': ('mmvisx.MeanTeacher', 'two_views_nano_digits'),
}


@pytest.mark.parametrize('name', BESIDE)
def test_rivals_differ_in_the_model_and_in_twins_alone(name):
    kind, other = BESIDE[name]
    cfg, co_trained = (prepare_config(CONFIGS / f'{n}.py') for n in (name, other))
    assert cfg.model.type == kind
    assert cfg.model.weight == (10 if name == 'mean_teacher_nano_digits' else 100)
    assert cfg.model.views == co_trained.model.views
    assert cfg.train_dataloader.batch_sampler.pop('twins') is True
    for key in ('train_dataloader', 'test_dataloader', 'optim_wrapper', 'train_cfg'):
        assert cfg[key] == co_trained[key], key
    assert cfg.param_scheduler == co_trained.param_scheduler
    assert cfg.custom_hooks == co_trained.custom_hooks


@pytest.mark.parametrize(
    ('name', 'each', 'images', 'batch'),
    [
        ('supervised_600e_svhn', 1000, 73257, 100),
        ('supervised_600e_cifar10', 4000, 50000, 100),
        ('supervised_600e_cifar100', 10000, 50000, 100),
        # 100 labelled images come twice an epoch
        ('supervised_nano_digits', 100, 2100, 50),
    ],
)
def test_supervised_rows_take_as_many_steps(name, each, images, batch):
    cfg = prepare_config(CONFIGS / f'{name}.py')
    loader = cfg.train_dataloader
    assert (loader.batch_sampler, loader.batch_size) == (None, 2 * batch)
    steps = each * loader.dataset.times // loader.batch_size
    assert 0 <= steps - math.ceil(images / 100) <= 2
    twin = prepare_config(CONFIGS / f'{name.replace("supervised", "two_views")}.py')
    assert loader.dataset.dataset == twin.train_dataloader.dataset.dataset
    assert cfg.train_cfg == twin.train_cfg
    # Nothing unlabelled to compare views on
    wanted = [hook for hook in twin.custom_hooks if hook.type != 'mmvisx.ViewMonitorHook']
    assert cfg.custom_hooks == wanted
    if 'nano' in name:  # has a rate of its own
        cfg.optim_wrapper.optimizer.lr = twin.optim_wrapper.optimizer.lr
    assert cfg.optim_wrapper == twin.optim_wrapper


def test_learning_rate_of_the_chapter():
    cfg = prepare_config(CONFIGS / 'two_views_600e_cifar10.py')
    check_rates(cfg, 600, lambda epoch: 0.05 * (1 + math.cos((epoch - 1) * math.pi / 600)))


def check_rates(cfg, epochs, wanted):
    """Compare the learning rate of each epoch, from 1."""
    optimizer = torch.optim.SGD([torch.zeros(1)], cfg.optim_wrapper.optimizer.lr)
    options = dict(cfg.param_scheduler)
    kind = getattr(torch.optim.lr_scheduler, options.pop('type'))
    options.pop('by_epoch')
    schedule = kind(optimizer, **options)
    assert cfg.train_cfg.max_epochs == epochs
    for epoch in range(1, epochs + 1):
        assert optimizer.param_groups[0]['lr'] == pytest.approx(wanted(epoch), abs=1e-12)
        optimizer.step()
        schedule.step()


def test_two_phases_of_imagenet():
    first = prepare_config(CONFIGS / 'supervised_r18_600e_imagenet.py')
    second = prepare_config(CONFIGS / 'two_views_r18_20e_imagenet.py')
    check_rates(first, 600, lambda epoch: 0.1 if epoch < 301 else 0.01)
    check_rates(second, 20, lambda epoch: 0.005 * (1 + math.cos((epoch - 1) * math.pi / 20)))
    assert (first.train_dataloader.batch_size, second.train_dataloader.batch_size) == (256, 128)
    assert (second.model.lambda_cot, second.model.lambda_dif) == (1, 0.1)
    assert 'CoTrainingRampHook' not in str(second.custom_hooks)
    labelled = second.train_dataloader.dataset.labelled
    assert first.train_dataloader.dataset.labelled == labelled
    for seed, view in enumerate(second.model.views):
        assert view.backbone == first.model.backbone == dict(type='ResNet', depth=18)
        assert view.init_cfg.checkpoint == f'work_dirs/imagenet_tenth_{seed}/epoch_600.pth'
    for cfg in (first, second):
        assert cfg.optim_wrapper.optimizer.momentum == 0.9
        assert cfg.optim_wrapper.optimizer.weight_decay == 1e-4
        crop, flip = cfg.train_dataloader.dataset.dataset.pipeline[1:3]
        assert (crop.type, crop.scale, flip.prob) == ('RandomResizedCrop', 224, 0.5)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(first.model)
    assert sum(p.numel() for p in model.parameters()) == 11_689_512


def test_all_of_imagenet_and_mean_teacher():
    whole = prepare_config(CONFIGS / 'supervised_r18_90e_imagenet.py')
    check_rates(whole, 90, lambda epoch: 0.1 ** (1 + (epoch > 30) + (epoch > 60)))
    assert whole.train_dataloader.dataset.type == 'mmvisx.ImageNet'
    two = prepare_config(CONFIGS / 'two_views_r18_20e_imagenet.py')
    teacher = prepare_config(CONFIGS / 'mean_teacher_r18_20e_imagenet.py')
    assert teacher.model.views == two.model.views
    assert teacher.train_dataloader.batch_sampler.twins
    assert teacher.train_dataloader.dataset == two.train_dataloader.dataset


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
    data.labelled, data.times = 1, 1
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
    assert runner.model.ramp == pytest.approx(math.exp(-5 * (1 - 2 / 10) ** 2))
    lines = (Path(runner.log_dir) / 'vis_data' / 'scalars.json').read_text().splitlines()
    first = json.loads(lines[0])
    ramp = math.exp(-5 * (1 - 1 / 10) ** 2)
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


@pytest.mark.parametrize('iteration', [1, 3])
def test_accumulated_gradients_are_resumed_in_the_middle(folder, tmp_path, iteration):
    options = {'optim_wrapper.accumulative_counts': 2, 'model.attack': 'shared'}
    runner = train(folder, tmp_path / 'whole', 'four', **options)
    checkpoint = tmp_path / 'whole' / f'iter_{iteration}.pth'
    held = torch.load(checkpoint, weights_only=False)['mmvisx_gradients']
    assert any(gradient.any() for gradient in held.values())  # half of a step
    resumed = train(
        folder, tmp_path / 'resumed', 'four', resume=True, load_from=str(checkpoint), **options
    )
    assert same(weights(runner), weights(resumed))


def test_in_bfloat16_and_resumed(whole, folder, tmp_path):
    options = {'optim_wrapper.type': 'mmvisx.BFloat16OptimWrapper'}
    runner = train(folder, tmp_path / 'whole', **options)
    first = json.loads(
        (Path(runner.log_dir) / 'vis_data' / 'scalars.json').read_text().splitlines()[0]
    )
    assert first['unmoved'] < 0.05
    assert not same(weights(runner), weights(whole[0]))
    for name, weight in weights(runner).items():
        assert weight.dtype in (torch.float32, torch.int64)
        if weight.dtype == torch.float32:
            torch.testing.assert_close(weight, weights(whole[0])[name], rtol=0.3, atol=0.2)
    checkpoint = str(tmp_path / 'whole' / 'iter_3.pth')
    resumed = train(folder, tmp_path / 'resumed', resume=True, load_from=checkpoint, **options)
    assert same(weights(runner), weights(resumed))


@pytest.mark.parametrize('attack', ['fgsm', 'shared'])
def test_a_view_with_nan_is_named(whole, folder, tmp_path, attack):
    state = whole[0].model.state_dict()
    bad = [k for k, v in state.items() if k.startswith('views.1.backbone') and v.dim() == 4][1]
    state = {k: v.clone().fill_(torch.nan) if k == bad else v for k, v in state.items()}
    torch.save(dict(state_dict=state), tmp_path / 'bad.pth')
    options = {'load_from': str(tmp_path / 'bad.pth'), 'model.attack': attack}
    with pytest.raises(UserError, match=r'First layer with such an output: views\.1\.backbone'):
        train(folder, tmp_path / 'work', **options)


def test_images_of_unequal_size_are_named(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / 'images')
    cv2.imwrite(str(other / 'a' / '0.png'), np.zeros((10, 12, 3)))
    pipeline = [dict(type='mmvisx.LoadImageFromFile'), dict(type='PackInputs')]
    with pytest.raises(UserError, match=r'(0\.png is 12x10.*14x14|14x14.*0\.png is 12x10)'):
        train(other, tmp_path / 'work', **{'train_dataloader.dataset.dataset.pipeline': pipeline})


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
