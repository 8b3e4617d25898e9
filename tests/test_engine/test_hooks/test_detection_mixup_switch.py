"""Mixup that ends before the training does."""

import uuid
from types import SimpleNamespace
from typing import ClassVar
from unittest.mock import Mock

import pytest
import torch
from mmdet.datasets import MultiImageMixDataset
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from mmengine.registry import TRANSFORMS
from mmengine.runner import Runner

from mmvisx.engine.hooks import MixUpSwitchHook
from mmvisx.utils import UserError

MIX = 'mmvisx_switch_test_mix'


@TRANSFORMS.register_module(name=MIX, force=True)
class Mix:
    """Says that a sample has been mixed."""

    def __call__(self, results):
        return {'sample': results['sample'], 'mixed': 1.0}


class Numbers(BaseDataset):
    """Four samples."""

    def load_data_list(self):
        return [{'value': i} for i in range(4)]


class Recorder(BaseModel):
    """Notes which samples were mixed."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.seen = []

    def forward(self, sample, mixed, mode='tensor'):
        self.seen += list(zip(sample.tolist(), mixed.tolist(), strict=True))
        return {'loss': self.weight * mixed.mean()}


def mixing():
    def load(results):
        return {'sample': results['sample_idx'], 'mixed': 0.0}

    return MultiImageMixDataset(
        Numbers(pipeline=[load], metainfo={}), [dict(type=f'mmengine.{MIX}')]
    )


class TwoDatasets(torch.utils.data.ConcatDataset):
    """Data sets one after the other, of any kind."""

    metainfo: ClassVar[dict] = {}


DATASETS = {
    'plain': mixing,
    'concat': lambda: TwoDatasets([mixing(), mixing()]),
}


def train(folder, dataset='plain', workers=0, last=2, train_cfg=None, **options):
    runner = Runner(
        Recorder(),
        str(folder),
        train_dataloader=dict(
            batch_size=2,
            dataset=DATASETS[dataset]() if isinstance(dataset, str) else dataset,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
            num_workers=workers,
            persistent_workers=workers > 0,
        ),
        train_cfg=train_cfg or dict(by_epoch=True, max_epochs=5),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        custom_hooks=[
            dict(type='mmvisx.RandomStateHook'),
            dict(
                type='mmvisx.MixUpSwitchHook',
                num_last_epochs=last,
                transforms=['mmvisx_switch_test_mix'],
            ),
        ],
        randomness=dict(seed=1),
        experiment_name=uuid.uuid4().hex,
        **options,
    )
    model = runner.train()
    if workers:
        runner.train_dataloader._iterator._shutdown_workers()
    return model


@pytest.mark.parametrize('workers', [0, 1])
def test_off_in_the_last_epochs(tmp_path, workers):
    model = train(tmp_path, workers=workers)
    assert [mixed for _, mixed in model.seen] == [1.0] * 12 + [0.0] * 8


@pytest.mark.parametrize(('epoch', 'workers'), [(2, 1), (3, 1), (4, 0)])
def test_resumed_before_at_and_after_the_switch(tmp_path, epoch, workers):
    whole = train(tmp_path / 'whole', workers=workers)
    resumed = train(
        tmp_path / 'resumed',
        workers=workers,
        load_from=str(tmp_path / 'whole' / f'epoch_{epoch}.pth'),
        resume=True,
    )
    assert resumed.seen == whole.seen[4 * epoch :]


def test_below_another_data_set(tmp_path):
    model = train(tmp_path, 'concat')
    assert [mixed for _, mixed in model.seen] == [1.0] * 24 + [0.0] * 16


@pytest.mark.parametrize(('last', 'mixed'), [(0, 20), (5, 0), (9, 0)])
def test_never_and_always(tmp_path, last, mixed):
    model = train(tmp_path, last=last)
    assert sum(value for _, value in model.seen) == mixed


def test_other_skipped_transforms_stay_skipped():
    dataset = mixing()
    dataset.update_skip_type_keys(['Mosaic'])
    loader = SimpleNamespace(dataset=dataset, _iterator=None)
    runner = SimpleNamespace(epoch=0, max_epochs=2, train_dataloader=loader, logger=Mock())
    hook = MixUpSwitchHook(1, [MIX])
    for epoch, expected in ((0, []), (1, [f'mmengine.{MIX}'])):
        runner.epoch = epoch
        hook.before_train_epoch(runner)
        assert dataset._skip_type_keys == ['Mosaic', *expected]


def test_nothing_to_switch(tmp_path):
    with pytest.raises(UserError, match=f'no MultiImageMixDataset with {MIX}'):
        train(tmp_path, Numbers(pipeline=[]))


def test_iterations_are_refused(tmp_path):
    with pytest.raises(UserError, match='IterBasedTrainLoop: use EpochBasedTrainLoop'):
        train(tmp_path, train_cfg=dict(by_epoch=False, max_iters=4))


def test_negative():
    with pytest.raises(UserError, match='num_last_epochs=-1'):
        MixUpSwitchHook(-1)
