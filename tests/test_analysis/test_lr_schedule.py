"""Drawn learning rates: Eq. 2.1, the warm-up, and those of a real training."""

import math

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmvisx.analysis.lr_schedule import iterations_per_epoch, learning_rates
from mmvisx.utils import UserError

WARM_UP, EPOCHS, LENGTH = 2, 7, 5
COSINE = [
    dict(
        type='mmvisx.LinearWarmupLR', by_epoch=True, begin=0, end=WARM_UP,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', by_epoch=True, begin=WARM_UP, end=EPOCHS, T_max=EPOCHS - WARM_UP,
        eta_min=0, convert_to_iter_based=True,
    ),
]  # fmt: skip
STEPS = [dict(type='MultiStepLR', milestones=[2, 5], gamma=0.1)]


def config(schedulers, **changes):
    """A config with all that the schedule needs."""
    cfg = dict(
        default_scope='mmengine',
        train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.4)),
        param_scheduler=schedulers,
    )
    return Config(cfg | changes)


def test_warm_up_and_cosine_at_every_iteration():
    rates = learning_rates(config(COSINE), LENGTH)
    warm, total = WARM_UP * LENGTH, EPOCHS * LENGTH
    assert rates.shape == (total,)
    for i in range(warm):
        assert rates[i] == pytest.approx(0.4 * (i + 1) / warm)
    for t in range(total - warm):
        equation = 0.5 * (1 + math.cos(t * math.pi / (total - warm))) * 0.4
        assert rates[warm + t] == pytest.approx(equation, abs=1e-9)


@pytest.mark.parametrize('schedulers', [COSINE, STEPS, []])
def test_as_in_a_training(schedulers, tmp_path):
    seen = []

    class Watch(Hook):
        """Remember the rate that an iteration steps with."""

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            seen.append(runner.optim_wrapper.get_lr()['lr'][0])

    class Model(BaseModel):
        """One weight."""

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, inputs, data_samples=None, mode='tensor'):
            return {'loss': self.weight.sum()}

    cfg = config(schedulers)
    Runner(
        Model(),
        str(tmp_path),
        train_dataloader=dict(
            batch_size=1,
            dataset=[{'inputs': torch.zeros(1)}] * LENGTH,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=cfg.train_cfg,
        optim_wrapper=cfg.optim_wrapper,
        param_scheduler=cfg.param_scheduler or None,
        custom_hooks=[Watch()],
        log_level='ERROR',
        experiment_name=f'lr{len(schedulers)}{tmp_path.name}',
    ).train()
    assert learning_rates(cfg, LENGTH) == pytest.approx(seen, rel=1e-9)


def test_by_iteration():
    steps = [dict(type='MultiStepLR', milestones=[3, 6], gamma=0.1, by_epoch=False)]
    rates = learning_rates(config(steps, train_cfg=dict(by_epoch=False, max_iters=8)), 1)
    assert rates == pytest.approx([0.4] * 3 + [0.04] * 3 + [0.004] * 2)


def test_what_cannot_be_drawn():
    with pytest.raises(UserError, match='ReduceOnPlateauLR follows a metric'):
        learning_rates(config([dict(type='ReduceOnPlateauLR', monitor='loss')]), 5)
    with pytest.raises(UserError, match='--iters-per-epoch 0'):
        learning_rates(config([]), 0)
    with pytest.raises(UserError, match=r'no optim_wrapper\.optimizer\.lr'):
        learning_rates(config([], optim_wrapper=dict()), 5)


def test_length_of_an_epoch(tmp_path):
    for index in range(7):
        (tmp_path / 'a').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / 'a' / f'{index}.png'), np.zeros((4, 4, 3), np.uint8))
    dataset = dict(type='mmvisx.ImageFolder', data_root=str(tmp_path), pipeline=[])
    loader = dict(dataset=dataset, batch_size=2)
    cfg = config([], train_dataloader=loader, default_scope='mmpretrain')
    assert iterations_per_epoch(cfg) == 4
    cfg.train_dataloader.drop_last = True
    assert iterations_per_epoch(cfg) == 3
    dataset['data_root'] = str(tmp_path / 'absent')
    with pytest.raises(UserError, match=r'absent/? does not exist.*give --iters-per-epoch'):
        iterations_per_epoch(config([], train_dataloader=loader, default_scope='mmpretrain'))
