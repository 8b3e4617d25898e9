"""The recipes of few-shot: the chapter's numbers, and a training on banks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.datasets import ActivationBank
from tests.helpers.few_shot import bank_of
from tests.helpers.loggers import forget_loggers

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'few_shot'


@pytest.mark.parametrize(
    ('name', 'depth', 'p_mean'), [('phi1', 1, 0.9), ('phi2', 2, 0.9), ('phi2_star', 2, 1.0)]
)
@pytest.mark.parametrize('data', ['resnet50_imagenet900', 'nano_characters'])
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
