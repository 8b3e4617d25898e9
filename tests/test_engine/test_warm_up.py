"""Warm-ups made for large data sets, in a training on small ones."""

import json

import pytest
from mmengine.config import Config

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.engine.warm_up import shorten_warm_up

STEPS = dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[8, 11])


def linear(end, **options):
    return dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=end, **options)


def test_published_length_on_coco_stays():
    schedulers = [linear(500), STEPS]
    assert shorten_warm_up(schedulers, 12 * 7330) == (schedulers, '')


def test_a_hundred_photographs():
    schedulers, line = shorten_warm_up([linear(500), STEPS], 12 * 68)
    assert schedulers == [linear(163), STEPS]
    assert line == 'warm-up shortened from 500 to 163 iterations, a fifth of this training of 816'


@pytest.mark.parametrize('type_', ['mmvisx.LinearWarmupLR', 'mmengine.LinearLR'])
def test_what_follows_begins_earlier(type_):
    before = [
        dict(type=type_, by_epoch=False, begin=0, end=500),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=500, end=800, T_max=300),
        dict(type='PolyLR', by_epoch=False, begin=500),
    ]
    after, _ = shorten_warm_up(before, 800)
    assert after[0]['end'] == after[1]['begin'] == after[2]['begin'] == 160
    assert after[1]['T_max'] == 640
    assert before[0]['end'] == 500


@pytest.mark.parametrize(
    'scheduler',
    [
        dict(type='LinearLR', start_factor=1.0, end_factor=0.0, by_epoch=False, begin=0, end=100),
        dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=5),
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=50, end=100),
        dict(type='StepLR', step_size=1),
    ],
    ids=['a decay', 'by epochs', 'not at the start', 'no warm-up'],
)
def test_other_schedules_stay(scheduler):
    assert shorten_warm_up([scheduler], 100) == ([scheduler], '')


def test_a_training_reaches_its_rate(tiny_config, tiny_coco, tmp_path):
    """Two iterations: the second is at the full rate, where a warm-up of 500 left 0.002 of it."""
    options = {'data_root': str(tiny_coco), 'param_scheduler': [linear(500)]}
    runner = build_runner(prepare_config(tiny_config, tmp_path, options))
    runner.train()
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    rates = [line['lr'] for line in lines if 'lr' in line]
    assert rates == pytest.approx([1e-5, 0.01])
    (text,) = tmp_path.glob('*/*.log')
    assert text.read_text().count('warm-up shortened from 500 to 2 iterations') == 1
    # What was asked for is what is kept.
    assert Config.fromfile(tmp_path / 'tiny_mask_rcnn.py').param_scheduler[0].end == 500
