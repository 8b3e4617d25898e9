"""Classifiers on somebody's own class folders: --classes, and what goes wrong without it."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvisx.utils import UserError
from mmvisx.utils.config import walk
from mmvisx.utils.config.classes import set_classes
from mmvisx.utils.predictions import read_predictions

NAMES = ('apple', 'nut', 'pear')
# One of each kind: a head of its own network, label smoothing with mixup, ImageNet's data set,
# one that names num_classes in its data, one whose pictures are 8x8.
RECIPES = [
    'bag_of_tricks/resnet18_d_nano_digits',
    'bag_of_tricks/resnet50_d_mixup_imagenet',
    'bag_of_tricks/inception_v3_smooth_imagenet',
    'gunn/gunn15_nano_cifar10',
    'neural_rejuvenation/resnet20_nr_nano_cifar10',
    'stacked_unet/sunet64_120e_imagenet',
]


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Three classes, 2 images each for training and 1 for validation and test."""
    root, random = tmp_path_factory.mktemp('fruit'), np.random.default_rng(0)
    for part, count in (('train', 2), ('val', 1), ('test', 1)):
        for name in NAMES:
            (root / part / name).mkdir(parents=True)
            for index in range(count):
                picture = random.integers(0, 255, (80, 96, 3), dtype=np.uint8)
                cv2.imwrite(str(root / part / name / f'{index}.jpg'), picture)
    return root


@pytest.fixture
def recipe(repo, folders, tmp_path):
    """Write a recipe of one epoch of six images, without worker processes and float16."""

    def write(name):
        # Some recipes train on another folder than they test on.
        loader = f"num_workers=0, persistent_workers=False, dataset=dict(data_root='{folders}/')"
        path = tmp_path / f'{name.rpartition("/")[2]}.py'
        path.write_text(
            f"_base_ = '{repo}/configs/{name}.py'\n"
            "sgd = dict(type='SGD', lr=0.01)\n"
            "optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=sgd)\n"
            'train_cfg = dict(max_epochs=1, val_interval=1)\n'
            'param_scheduler = None\n'
            f'train_dataloader = dict(batch_size=3, {loader})\n'
            f'val_dataloader = dict({loader})\n'
            f'test_dataloader = dict({loader})\n'
        )
        return path

    return write


@pytest.mark.parametrize('name', RECIPES)
def test_recipe_trains_and_tests_on_three_classes(tool, recipe, folders, tmp_path, name):
    config, work = recipe(name), tmp_path / 'work'
    tool('tools/train.py', config, '--work-dir', work, '--classes', folders / 'train')
    # The config that training leaves behind needs no --classes.
    tool('tools/test.py', work / config.name, work / 'epoch_1.pth', '--work-dir',
         tmp_path / 'test', '--out', tmp_path / 'a.json')  # fmt: skip
    found = json.loads((tmp_path / 'a.json').read_text())['accuracy/top1']
    assert found == pytest.approx(100 * round(found * 3 / 100) / 3, abs=1e-3)  # of three images


def class_folder_recipes(repo):
    """Every recipe that reads class folders."""
    for path in sorted((repo / 'configs').glob('*/*.py')):
        if path.parent.name in ('_base_', '_series_'):
            continue
        cfg = Config.fromfile(path)
        kind = str(cfg.get('train_dataloader', {}).get('dataset', {}).get('type'))
        if cfg.get('default_scope') == 'mmpretrain' and kind in (
            'mmvisx.ImageFolder', 'mmvisx.ImageNet',
        ):  # fmt: skip
            yield path, cfg


def test_nothing_else_in_any_recipe_counts_classes(repo):
    seen = 0
    for path, cfg in class_folder_recipes(repo):
        before = {p: v for p, v in walk(cfg._cfg_dict) if p.endswith(('num_classes', 'topk'))}
        # Variables of the recipe, which have been used
        variables = ('num_classes', 'images', 'view', 'views')
        before = {p: v for p, v in before.items() if p.partition('.')[0] not in variables}
        set_classes(cfg, NAMES)
        after = {p: v for p, v in walk(cfg._cfg_dict) if p.endswith(('num_classes', 'topk'))}
        for place in before:
            expected = (1,) if place.endswith('topk') else 3
            assert after[place] == expected, (path, place)
        for loader in ('train', 'val', 'test'):
            if cfg[f'{loader}_dataloader'] is None:  # a training that is not validated
                continue
            dataset = cfg[f'{loader}_dataloader'].dataset
            assert dataset.type == 'mmvisx.ImageFolder', path
            assert dataset.metainfo.classes == NAMES
            assert dataset.get('ann_file') or dataset.data_prefix in ('train', 'val', 'test')
        seen += 1
    assert seen > 80


def test_six_classes_keep_the_top_five(repo):
    cfg = Config.fromfile(repo / 'configs/gunn/gunn15_nano_cifar10.py')
    set_classes(cfg, 'abcdef')
    assert cfg.val_evaluator.topk == (1, 5)


def test_a_teacher_has_the_same_classes(repo):
    cfg = Config.fromfile(repo / 'configs/bag_of_tricks/resnet50_d_distill_imagenet.py')
    set_classes(cfg, NAMES)
    assert cfg.model.teacher.head.num_classes == 3


def test_testing_takes_classes_and_views_too(tool, recipe, tmp_path):
    config = recipe('bag_of_tricks/resnet18_d_nano_digits')
    rest = ['--classes', *NAMES]
    tool('tools/train.py', config, '--work-dir', tmp_path / 'work', *rest)
    tool('tools/test.py', config, tmp_path / 'work/epoch_1.pth', '--work-dir', tmp_path / 'test',
         '--out', tmp_path / 'a.json', *rest)  # fmt: skip
    assert 'accuracy/top1' in json.loads((tmp_path / 'a.json').read_text())
    scores = {}
    for name, more in (('plain', []), ('tta', ['--tta'])):
        tool('tools/test.py', config, tmp_path / 'work/epoch_1.pth', '--work-dir',
             tmp_path / 'test', '--out', tmp_path / f'{name}.npz', *more, *rest)  # fmt: skip
        found = read_predictions(tmp_path / f'{name}.npz')
        scores[name] = torch.stack([sample['pred_score'] for sample in found])
    assert torch.allclose(scores['tta'].sum(1), torch.ones(3), atol=1e-5)
    assert not torch.allclose(scores['tta'], scores['plain'], atol=1e-7)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'has 3 class folders, the config names 10 classes'),
        (
            ['dataset'],
            r'^data_preprocessor \(of the config or of model\)\.num_classes=10, but the data set '
            r'has 3 classes \(.*train\); set it to 3 \(--classes',
        ),
        (['dataset', 'model.data_preprocessor'], r'^model\.head\.num_classes=10, but .* 3 classes'),
        (
            ['dataset', 'model.data_preprocessor', 'model.head'],
            r'^val_evaluator\.topk=\(1, 5\), but the data set has 3 classes: set topk=\(1,\)',
        ),
    ],
    ids=['data set', 'preprocessor', 'head', 'metric'],
)
def test_each_place_that_is_left_out_is_named(tool, recipe, tmp_path, options, message):
    if 'dataset' in options:
        sets = [f'{loader}_dataloader.dataset' for loader in ('train', 'val', 'test')]
        options = [*sets, *options[1:]]
    more = [f'{place}.num_classes=3' for place in options]
    with pytest.raises(UserError, match=message):
        tool('tools/train.py', recipe('gunn/gunn15_nano_cifar10'), '--work-dir', tmp_path / 'work',
             '--cfg-options', 'train_cfg.max_epochs=1', *more)  # fmt: skip


def test_a_recipe_of_cifars_own_files_is_refused(repo):
    cfg = Config.fromfile(repo / 'configs/gunn/gunn15_300e_cifar10.py')
    with pytest.raises(UserError, match='CIFAR10 reads files of its own, not class folders'):
        set_classes(cfg, NAMES)
