"""Loops of another kind under tools/train.py: k-means by EM, and two networks in turn."""

import json
import sys

import pytest
import torch

from mmvisx.cli import train as cli
from mmvisx.registry import LOOPS
from mmvisx.utils import UserError
from tests.helpers.checkpoints import same
from tests.helpers.loggers import forget_loggers

COMMON = """
_base_ = {base!r}
custom_imports = dict(imports=['own_loops'])
train_dataloader = dict(
    batch_size=20,
    dataset=dict(type='Clouds'),
    sampler=dict(type='InfiniteSampler'),
    collate_fn=dict(type='default_collate'),
)
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=2, max_keep_ckpts=-1),
    logger=dict(interval=1, log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False, window_size=1)
randomness = dict(seed=3)
"""
KMEANS = """
model = dict(type='Centroids')
train_cfg = dict(type='mmvisx.KMeansLoop', max_iters=9, renew=4)
"""
TURNS = """
model = dict(type='TwoNetworks')
train_cfg = dict(type='mmvisx.TurnLoop', max_iters=9)
optim_wrapper = dict(
    constructor='OneForEachNetwork',
    optimizer=dict(
        first=dict(type='Adam', lr=0.01), second=dict(type='SGD', lr=0.1, momentum=0.9)
    ),
)
param_scheduler = dict(
    first=[dict(type='PolyLR', by_epoch=False, end=9)],
    second=[dict(type='StepLR', by_epoch=False, step_size=3)],
)
"""


@pytest.fixture
def train(repo, tmp_path, monkeypatch):
    """Run ``tools/train.py`` in this process; return the folder of its checkpoints."""
    monkeypatch.syspath_prepend(str(repo / 'tests' / 'helpers'))
    base = str(repo / 'configs' / '_base_' / 'runtime_without_classes.py')

    def call(name, text, *options):
        config = tmp_path / f'{name}.py'
        config.write_text(COMMON.format(base=base) + text)
        work_dir = tmp_path / name
        argv = ['train.py', str(config), '--work-dir', str(work_dir), *map(str, options)]
        monkeypatch.setattr(sys, 'argv', argv)
        forget_loggers()
        cli.main()
        return work_dir

    yield call
    # Other tests go through what this package registers.
    for name in ('KMeansLoop', 'TurnLoop'):
        LOOPS.module_dict.pop(name, None)
    sys.modules.pop('own_loops', None)


def read(folder, iteration=9):
    return torch.load(folder / f'iter_{iteration}.pth', weights_only=True)


def logs(folder):
    """Return the lines of every run in the folder, without times."""
    lines = [
        json.loads(line)
        for path in sorted(folder.glob('*/vis_data/scalars.json'))
        for line in path.read_text().splitlines()
    ]
    return [{k: v for k, v in line.items() if 'time' not in k} for line in lines]


@pytest.mark.parametrize('text', [KMEANS, TURNS], ids=['k-means', 'two networks'])
def test_resumed_equals_uninterrupted(train, text):
    whole = train('whole', text)
    # Between two renewals of the targets, and between two steps of the schedule.
    resumed = train('resumed', text, '--resume', whole / 'iter_6.pth')
    for key in ('state_dict', 'optimizer', 'param_schedulers', 'mmvisx_loop'):
        assert same(read(whole).get(key), read(resumed).get(key)), key
    assert [line['step'] for line in logs(whole)] == list(range(1, 10))
    assert logs(resumed) == logs(whole)[6:]


@pytest.mark.parametrize('at', [4, 6])
@pytest.mark.parametrize('text', [KMEANS, TURNS], ids=['k-means', 'two networks'])
def test_told_to_end_it_goes_on_with_what_it_had_in_hand(train, text, at, capsys):
    whole = train('whole', text)
    capsys.readouterr()
    told = f"""
custom_imports = dict(imports=['own_loops', 'interrupted_training'])
custom_hooks = [dict(type='mmvisx.RandomStateHook'), dict(type='SignalHook', at={at})]
"""
    with pytest.raises(SystemExit) as end:
        train('broken', text + told)
    assert end.value.code == 143
    assert f'SIGTERM: stopped after iteration {at + 1}' in capsys.readouterr().out
    resumed = train('broken', text, '--resume')
    assert not (resumed / 'interrupted.pth').exists()
    for key in ('state_dict', 'optimizer', 'param_schedulers', 'mmvisx_loop'):
        assert same(read(whole).get(key), read(resumed).get(key)), key


def test_k_means_finds_the_clouds(train):
    folder = train('whole', KMEANS, '--cfg-options', 'train_cfg.max_iters=33')
    found = read(folder, 33)['state_dict']['centroids']
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    distances = torch.cdist(found, centres)
    assert sorted(distances.argmin(1).tolist()) == [0, 1, 2]
    assert distances.min(1).values.max() < 0.7  # of standard deviation 1, 20 points a cloud
    lines = logs(folder)
    assert lines[0].keys() >= {'inertia', 'step', 'iter'}
    assert sum(line['inertia'] for line in lines[-3:]) < sum(line['inertia'] for line in lines[:3])


def test_each_network_has_its_own_optimizer(train):
    folder = train('whole', TURNS)
    optimizers = read(folder)['optimizer']
    assert {'exp_avg', 'step'} <= optimizers['first']['state'][0].keys()
    assert set(optimizers['second']['state'][0]) == {'momentum_buffer'}
    lines = logs(folder)
    assert lines[0]['first.lr'] == 0.01
    assert lines[0]['second.lr'] == 0.1
    assert lines[-1]['second.lr'] == pytest.approx(0.001)
    for name in ('first', 'second'):
        parts = lines[0][f'{name}.loss'], lines[0][f'{name}.loss_agree']
        assert lines[0][f'{name}.total'] == pytest.approx(sum(parts))
        assert lines[-1][f'{name}.total'] < lines[0][f'{name}.total']


def test_a_checkpoint_without_an_optimizer_is_enough_for_a_loop_without_one(train):
    option = 'default_hooks.checkpoint.save_optimizer=False'
    whole = train('whole', KMEANS, '--cfg-options', option)
    assert 'optimizer' not in read(whole)
    resumed = train('resumed', KMEANS, '--resume', whole / 'iter_6.pth')
    assert same(read(whole)['state_dict'], read(resumed)['state_dict'])
    turns = train('turns', TURNS, '--cfg-options', option)
    with pytest.raises(UserError, match='holds weights only'):
        train('more', TURNS, '--resume', turns / 'iter_6.pth')


def test_a_loss_of_a_loop_that_is_not_finite_stops_it(train, monkeypatch):
    import own_loops

    monkeypatch.setattr(
        own_loops.Centroids, 'forward', lambda self, inputs, **_: inputs[:, [0] * 3] * float('nan')
    )
    with pytest.raises(UserError, match=r'iteration 1: inertia=nan\. Last checkpoint: none yet'):
        train('bad', KMEANS)


def test_the_default_loops_need_an_optimizer(train):
    text = KMEANS.replace("type='mmvisx.KMeansLoop', max_iters=9, renew=4", 'by_epoch=False')
    with pytest.raises(UserError, match='no optim_wrapper'):
        train('none', text)
    with pytest.raises(UserError, match='--amp: the config has no optim_wrapper'):
        train('amp', KMEANS, '--amp')


def test_the_runner_by_its_registered_name(train):
    folder = train('named', KMEANS + "runner_type = 'mmvisx.CheckedRunner'\n")
    assert read(folder)['mmvisx_loop']['counts'].sum() > 0
