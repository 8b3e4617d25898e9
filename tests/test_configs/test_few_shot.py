"""The recipes of few-shot: the chapter's numbers, and a training on banks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES

from mmvisx.apis.few_shot_bank import build_bank
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.datasets import ActivationBank
from mmvisx.datasets.classification.few_shot_split import choose_few, class_images, split_classes
from mmvisx.registry import MODELS
from tests.helpers.few_shot import bank_of, write_classes
from tests.helpers.loggers import forget_loggers

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'few_shot'


@pytest.mark.parametrize(
    ('name', 'depth', 'p_mean'), [('phi1', 1, 0.9), ('phi2', 2, 0.9), ('phi2_star', 2, 1.0)]
)
@pytest.mark.parametrize('data', ['resnet50_imagenet900', 'nano_characters', 'nano_photographs'])
def test_numbers_of_the_chapter(name, depth, p_mean, data):
    cfg = prepare_config(CONFIGS / f'{name}_{data}.py')
    assert cfg.model.predictor.get('depth', 2) == depth
    assert cfg.train_dataloader.dataset.p_mean == p_mean
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ('SGD', 0.001)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 0.0005)
    assert 'param_scheduler' not in cfg
    if data == 'resnet50_imagenet900':
        assert cfg.train_cfg.max_iters == cfg.train_dataloader.dataset.steps == 300 * 250
        assert cfg.model.predictor.channels == 2048
        assert cfg.val_evaluator.num_large == cfg.test_evaluator.num_large == 900


def characters(folder, each=4):
    """Write five classes, of which 'd' and 'e' are few ones, with all lists; return options."""
    write_classes(folder / 'images', tuple('abcde'), each)
    split_classes(class_images(folder / 'images'), ['d', 'e'], 1, folder / 'lists', shots=(1,))
    options = {}
    for split in ('train', 'val', 'test', 'few_train', 'few_test'):
        loader = f'{split}_dataloader'
        options |= {f'{loader}.dataset.data_prefix': str(folder / 'images')}
        options |= {f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False}
    return options


def recipe(name, folder, **changes):
    """Return a recipe of the characters on made-up images, one epoch of batches of four."""
    cfg = prepare_config(CONFIGS / f'{name}_nano_characters.py')
    options = {k: v for k, v in characters(folder).items() if cfg.get(k.split('.')[0])}
    for split in ('train', 'val', 'test'):
        dataset = cfg.get(f'{split}_dataloader') and cfg[f'{split}_dataloader'].dataset
        if dataset:
            for key in ('ann_file', 'metainfo.classes'):
                value = dataset.ann_file if key == 'ann_file' else dataset.metainfo.classes
                moved = str(folder / 'lists' / Path(value).name)
                options[f'{split}_dataloader.dataset.{key}'] = moved
    options |= {'train_dataloader.batch_size': 4, 'train_cfg.max_epochs': 1, **changes}
    return prepare_config(
        CONFIGS / f'{name}_nano_characters.py', folder / name, options | {'randomness.seed': 0}
    )


def trained(cfg):
    forget_loggers()
    runner = build_runner(cfg)
    runner.train()
    return runner


def test_baselines_start_from_the_classifier(tmp_path):
    counts = {'model.data_preprocessor.num_classes': 3, 'model.head.num_classes': 3}
    counts |= {'val_evaluator.topk': (1,), 'test_evaluator.topk': (1,), 'train_cfg.val_interval': 1}
    base = trained(recipe('four_conv', tmp_path / 'base', **counts))
    checkpoint = str(tmp_path / 'base/four_conv/epoch_1.pth')
    whole = base.model.state_dict()

    options = {'model.head.num_classes': 5, 'model.head.known': 3, 'load_from': checkpoint}
    options |= {'val_evaluator.num_large': 3, 'test_evaluator.num_large': 3}
    options |= {'optim_wrapper.optimizer.lr': 0.005}
    options |= {'train_cfg.val_interval': 1, 'model.data_preprocessor.num_classes': 5}
    tuned = trained(recipe('fine_tuned', tmp_path / 'tuned', **options))
    known = tuned.model.state_dict()['head.fc.weight']
    # Moved, but not far: a rate of 0.005 for some steps.
    assert 0 < (known - whole['head.fc.weight']).abs().max() < 0.1
    assert tuned.model.head.new.weight.shape == (2, 64)
    assert set(tuned.val_loop.run()) >= {'large/top1', 'few/top1', 'harmonic/top1'}

    options = {'model.data_preprocessor.num_classes': 3, 'load_from': checkpoint}
    triplet = trained(recipe('triplet', tmp_path / 'triplet', **options))
    key = 'backbone.stages.0.0.conv.weight'
    assert 0 < (triplet.model.state_dict()[key] - whole[key]).abs().max() < 0.1
    cfg = recipe('triplet', tmp_path / 'again')
    cfg.train_dataloader = triplet.cfg.train_dataloader
    bank = build_bank(cfg, tmp_path / 'triplet/triplet/epoch_1.pth', tmp_path / 'bank')
    assert (len(bank), bank.channels, bank.classes) == (9, 64, ['a', 'b', 'c'])


def test_trained_rows_of_imagenet():
    tuned = prepare_config(CONFIGS / 'fine_tuned_resnet50_imagenet900.py')
    assert (tuned.model.head.num_classes, tuned.model.head.known) == (1000, 900)
    assert tuned.val_evaluator == dict(type='mmvisx.JointAccuracy', num_large=900)
    triplet = prepare_config(CONFIGS / 'triplet_resnet50_imagenet900.py')
    assert triplet.model.head == dict(type='mmvisx.TripletHead', margin=0.2)
    assert triplet.train_dataloader.batch_size % 2 == 0
    listed = (CONFIGS / 'imagenet_few_classes.txt').read_text().splitlines()[2:]
    numbers = [line.split(' ', 1) for line in listed]
    assert [k for k, _ in numbers] == choose_few([str(k) for k in range(1000)], 100, 0)
    assert all(IMAGENET_CATEGORIES[int(k)] == name for k, name in numbers)


@pytest.mark.parametrize(
    ('network', 'epochs', 'batch', 'milestones', 'gamma'),
    [('four_conv', 300, 64, [150, 225], 0.1), ('wrn28_10', 200, 128, [60, 120, 160], 0.2)],
)
def test_mini_imagenet(network, epochs, batch, milestones, gamma):
    cfg = prepare_config(CONFIGS / f'{network}_mini_imagenet.py')
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.train_dataloader.batch_size == batch
    assert (cfg.param_scheduler.milestones, cfg.param_scheduler.gamma) == (milestones, gamma)
    assert (cfg.optim_wrapper.optimizer.lr, cfg.optim_wrapper.optimizer.momentum) == (0.1, 0.9)
    with torch.device('meta'):
        model = MODELS.build(cfg.model.backbone)
        out = model(torch.zeros(1, 3, 80, 80))[-1]
    assert tuple(out.shape) == (1, cfg.model.head.in_channels, 10, 10)
    phi = prepare_config(CONFIGS / f'phi2_{network}_mini_imagenet.py')
    assert phi.model.predictor.channels == cfg.model.head.in_channels
    assert phi.train_dataloader.dataset.p_mean == 0.3
    assert phi.train_cfg.max_iters == phi.train_dataloader.dataset.steps == 50 * 250
    names = (CONFIGS / 'mini_imagenet_few_classes.txt').read_text().splitlines()[1:]
    assert len(set(names)) == 20


def test_photographs():
    listed = (CONFIGS / 'photographs_few_classes.txt').read_text().splitlines()[1:]
    assert len(set(listed)) == 20
    base = prepare_config(CONFIGS / 'four_conv_nano_photographs.py')
    assert base.model.head.num_classes == base.model.data_preprocessor.num_classes == 60
    tuned = prepare_config(CONFIGS / 'fine_tuned_nano_photographs.py')
    assert (tuned.model.head.num_classes, tuned.model.head.known) == (60 + len(listed), 60)
    assert tuned.val_evaluator == dict(type='mmvisx.JointAccuracy', num_large=60)
    triplet = prepare_config(CONFIGS / 'triplet_nano_photographs.py')
    assert triplet.model.head == dict(type='mmvisx.TripletHead', margin=0.2)
    for name in ('phi1', 'phi2', 'phi2_star'):
        cfg = prepare_config(CONFIGS / f'{name}_nano_photographs.py')
        assert cfg.model.predictor.channels == base.model.head.in_channels
        assert cfg.val_evaluator.num_large == cfg.test_evaluator.num_large == 60


def small(tmp_path, **options):
    """Return the config of phi-2 on a bank of 4 classes and 6 channels."""
    train, test = bank_of(tmp_path / 'train'), bank_of(tmp_path / 'test', seed=1, spread=1.0)
    for dataset in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        options |= {f'{dataset}.num_workers': 0, f'{dataset}.persistent_workers': False}
    options |= {
        'model.predictor.channels': 6,
        'train_dataloader.dataset.bank': str(train.folder),
        'val_dataloader.dataset': dict(
            type='mmvisx.BankBatches', bank=str(test.folder), means=str(train.folder), batch_size=10
        ),
        'val_evaluator.num_large': 4,
        'train_cfg.max_iters': 6,
        'train_cfg.val_interval': 6,
        'default_hooks.checkpoint.interval': 3,
        'randomness.seed': 0,
    }
    cfg = prepare_config(CONFIGS / 'phi2_nano_characters.py', tmp_path / 'work', options)
    return cfg, test


def test_it_trains_and_every_image_is_evaluated(tmp_path):
    forget_loggers()
    cfg, test = small(tmp_path)
    runner = build_runner(cfg)
    runner.train()
    model = runner.model.eval()
    means = torch.from_numpy(ActivationBank(tmp_path / 'train').means).float()
    with torch.no_grad():
        logits = torch.from_numpy(np.array(test.activations)) @ model.predictor(means).T
    expected = 100 * (logits.argmax(dim=1).numpy() == test.labels).mean()
    found = runner.val_loop.run()
    assert found['large/top1'] == pytest.approx(expected)
    assert 0 < expected < 100
    assert any((p - torch.eye(6)).abs().max() > 1e-5 for p in model.parameters() if p.ndim == 2)


def test_resumed_is_uninterrupted(tmp_path):
    forget_loggers()
    cfg, _ = small(tmp_path)
    runner = build_runner(cfg)
    runner.train()
    whole = {k: v.clone() for k, v in runner.model.state_dict().items()}
    forget_loggers()
    cfg.resume, cfg.load_from = True, str(tmp_path / 'work/iter_3.pth')
    cfg.work_dir = str(tmp_path / 'again')
    resumed = build_runner(cfg)
    resumed.train()
    assert all(torch.equal(v, whole[k]) for k, v in resumed.model.state_dict().items())
