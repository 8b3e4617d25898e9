"""Schedules for a longer training, and data that do not fill a batch, are said beforehand."""

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import nn

from mmvisx.engine.runner import CheckedRunner
from mmvisx.engine.schedule import check_batches, overlong_schedules
from mmvisx.utils import UserError


class Mean(BaseModel):
    """A model of one weight."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, inputs, mode='loss'):
        return dict(loss=(self.weight * torch.stack(inputs).mean()).sum())


def train(work_dir, scheduler=None, images=6, epochs=3, loop=None, **loader):
    """Train on ``images`` images in batches of two; return the log."""
    settings = dict(batch_size=2, num_workers=0, dataset=[dict(inputs=torch.ones(1))] * images)
    settings |= dict(sampler=dict(type='DefaultSampler', shuffle=False)) | loader
    runner = CheckedRunner(
        Mean(),
        str(work_dir),
        train_dataloader=settings,
        train_cfg=loop or dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        param_scheduler=scheduler,
        default_hooks=dict(checkpoint=None),
        experiment_name=f'{work_dir.name}{torch.seed()}',
    )
    runner.train()
    (log,) = work_dir.glob('*/*.log')
    return [line for line in log.read_text().splitlines() if 'is for a longer training' in line]


COSINE = dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=12, T_max=12)


def test_fewer_epochs_than_the_recipe(tmp_path):
    # A warm-up is shortened instead, see test_warm_up.py.
    warm_up = dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=500)
    (second,) = train(tmp_path, [warm_up, COSINE])
    assert 'param_scheduler.1 (CosineAnnealingLR)' in second
    assert 'T_max=12 (epoch 12), end=12 (epoch 12) beyond the last epoch, 3.' in second
    assert '--cfg-options param_scheduler.1.T_max=' in second


def test_a_schedule_that_fits_is_no_word_worth(tmp_path):
    drops = dict(type='MultiStepLR', by_epoch=True, milestones=[2], begin=1)
    assert train(tmp_path, [drops, dict(COSINE, end=3, T_max=3)]) == []


@pytest.mark.parametrize(
    ('scheduler', 'found'),
    [
        (dict(type='MultiStepLR', milestones=[8, 11], end=12), ['milestones', 'end']),
        (dict(type='MultiStepLR', milestones=[8, 11], end=10), ['milestones']),
        # They count from `begin`.
        (dict(type='MultiStepLR', milestones=[2, 7], begin=5), ['milestones']),
        (dict(type='MultiStepLR', milestones=[2, 5], begin=5), []),
        (dict(type='CosineAnnealingLR', T_max=8, begin=5), ['T_max']),
        (dict(type='PolyLR', by_epoch=False, begin=0, end=1001), []),
        (dict(type='PolyLR', by_epoch=False, begin=0, end=1100), ['end']),
        (dict(type='ConstantLR', by_epoch=True), []),
    ],
)
def test_what_reaches_beyond_ten_epochs_of_a_hundred_batches(scheduler, found):
    lines = overlong_schedules(scheduler, 10, 1000)
    assert len(lines) == bool(found)
    for key in ('milestones', 'T_max', 'end'):
        assert any(f'{key}=' in line.split('beyond')[0] for line in lines) == (key in found)


def test_iterations(tmp_path):
    loop = dict(by_epoch=False, max_iters=5)
    poly = dict(type='PolyLR', by_epoch=False, begin=0, end=8)
    (line,) = train(tmp_path, poly, loop=loop)
    assert 'end=8 (iteration 8) beyond the last iteration, 5.' in line


def test_data_that_do_not_fill_a_batch(tmp_path):
    with pytest.raises(UserError, match=r'3 images.* batch_size=4, .*drop_last=False') as error:
        train(tmp_path, images=3, batch_size=4, drop_last=True)
    assert '\n' not in str(error.value)
    assert train(tmp_path / 'kept', images=3, batch_size=4, drop_last=False) == []
    # Rounds without an end fill a batch.
    endless = dict(type='InfiniteSampler', shuffle=False)
    loop = dict(by_epoch=False, max_iters=2)
    options = dict(batch_size=4, drop_last=True, sampler=endless)
    assert train(tmp_path / 'endless', images=3, loop=loop, **options) == []


def test_recipes_fit_their_own_training(repo):
    """None of those that count in epochs is for a longer training than its own."""
    paths = [p for p in (repo / 'configs').glob('*/*.py') if not p.parent.name.startswith('_')]
    assert len(paths) > 100
    for path in paths:
        cfg = Config.fromfile(path)
        loop = cfg.get('train_cfg') or {}
        if cfg.get('param_scheduler') and 'max_epochs' in loop:
            lines = overlong_schedules(cfg.param_scheduler, loop.max_epochs, 10**9)
            assert lines == [], path


class Endless(torch.utils.data.IterableDataset):
    """A stream, which has no length."""

    def __iter__(self):
        while True:
            yield torch.ones(1)


@pytest.mark.parametrize('batch_size', [None, 2])
def test_loaders_without_a_length_or_a_sampler_are_not_asked(batch_size):
    loader = torch.utils.data.DataLoader(Endless(), batch_size)
    check_batches(loader)
    check_batches(torch.utils.data.DataLoader(range(2), batch_size))
