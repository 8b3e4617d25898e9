"""Trainings that are killed while files are written and deleted end as if they had not been."""

import re
import signal

import pytest
import torch

from tests.contract.trainings import training
from tests.helpers.processes import run_forked
from tests.test_engine.test_checkpoints import flip
from tests.test_engine.test_resume import different

EPOCHS, ITERATIONS = 3, 3
NEWEST = f'epoch_{EPOCHS}.pth'
# With max_keep_ckpts=1 and save_best. Each checkpoint is written twice: the best one comes last,
# and the other is to know it.
ONE_KEPT = [
    *(f'{what} epoch_1.pth 1' for what in ('write', 'fsync', 'replace', 'replaced')),
    *(f'{what} epoch_2.pth 1' for what in ('write', 'fsync', 'replace', 'replaced')),
    *(f'{what} epoch_2.pth 2' for what in ('write', 'fsync', 'replace', 'replaced')),
    *(f'{what} epoch_3.pth 1' for what in ('write', 'replace', 'replaced')),
    *(f'{what} last_checkpoint 1' for what in ('write', 'replace', 'replaced')),
    *(f'{what} last_checkpoint 3' for what in ('write', 'replace', 'replaced')),
    *(f'{what} epoch_{number}.pth 1' for what in ('remove', 'removed') for number in (1, 2)),
    *(f'{what} best_rise_epoch_2.pth 1' for what in ('write', 'replace', 'replaced')),
    *(f'{what} best_rise_epoch_1.pth 1' for what in ('remove', 'removed')),
    *(f'iter {number}' for number in (1, 3, 4, 5, 8, 9)),
]
ALL_KEPT = ['write epoch_2.pth 1', 'replaced epoch_2.pth 1', 'write last_checkpoint 2', 'iter 5']
QUICK = {
    'write epoch_2.pth 1',
    'replaced epoch_2.pth 1',
    'write last_checkpoint 3',
    'removed epoch_1.pth 1',
    'iter 5',
}
KILLS = [(1, moment) for moment in ONE_KEPT] + [(-1, moment) for moment in ALL_KEPT]


def test_the_kills_are_as_many_as_promised():
    writing = [moment for _, moment in KILLS if not moment.startswith('iter')]
    assert len(KILLS) == len(set(KILLS)) >= 40
    assert len(writing) >= 15
    assert len(QUICK & set(ONE_KEPT)) == 5


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """``config(kept)``: a classifier with averaged weights, momentum and a best checkpoint."""
    folder = tmp_path_factory.mktemp('kills')
    cfg = training('classifier', folder / 'data')
    cfg.train_cfg.max_epochs = EPOCHS
    cfg.train_dataloader.update(
        batch_size=6 // ITERATIONS, sampler=dict(type='DefaultSampler', shuffle=True)
    )
    cfg.val_cfg = dict(type='ValLoop')
    cfg.val_dataloader = cfg.test_dataloader
    cfg.val_evaluator = dict(type='RisingMetric')
    cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.1, priority=49))
    cfg.param_scheduler = dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=7)
    hook = cfg.default_hooks.checkpoint
    hook.update(save_best='rise', rule='greater')

    def path(kept):
        hook.max_keep_ckpts = kept
        cfg.dump(folder / f'kept_{kept}.py')
        return folder / f'kept_{kept}.py'

    return path


@pytest.fixture(scope='module')
def train(repo, config):
    """``train(kept, work_dir, *options, **settings)`` returns exit code and what was printed."""

    def call(kept, work_dir, *options, **settings):
        settings = dict(settings, OMP_NUM_THREADS='1')
        script = repo / 'tests/helpers/killed_training.py'
        command = (script, config(kept), '--work-dir', work_dir, *options)
        (code,), (printed,) = run_forked(*command, settings=[settings], timeout=300)
        return code, printed

    return call


@pytest.fixture(scope='module')
def whole(train, tmp_path_factory):
    """``whole(kept)``: the last checkpoint of the training that nobody disturbs."""
    known = {}

    def call(kept):
        if kept not in known:
            work_dir = tmp_path_factory.mktemp('whole')
            code, printed = train(kept, work_dir)
            assert code == 0, printed[-3000:]
            known[kept] = torch.load(work_dir / NEWEST, weights_only=False)
        return known[kept]

    return call


def resume(train, whole, work_dir, kept):
    """Go on to the end, which must be that of the undisturbed training; return what it said."""
    code, printed = train(kept, work_dir, '--resume')
    assert code == 0, printed[-3000:]
    resumed = torch.load(work_dir / NEWEST, weights_only=False)
    for part in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers'):
        assert different(resumed[part], whole(kept)[part], part) == []
    assert resumed['meta']['iter'] == EPOCHS * ITERATIONS
    return printed


@pytest.mark.parametrize(
    ('kept', 'moment'),
    [
        pytest.param(*kill, marks=() if kill[0] == 1 and kill[1] in QUICK else pytest.mark.slow)
        for kill in KILLS
    ],
)
def test_resumed_is_uninterrupted_bit_for_bit(train, whole, tmp_path, kept, moment):
    code, printed = train(kept, tmp_path, KILL_AT=moment)
    assert code == -signal.SIGKILL, printed[-3000:]
    assert not (tmp_path / 'best_rise_epoch_3.pth').exists()
    resume(train, whole, tmp_path, kept)
    # Whole files only, none that should be gone.
    numbered = [NEWEST] if kept == 1 else [f'epoch_{k}.pth' for k in range(1, EPOCHS + 1)]
    assert sorted(path.name for path in tmp_path.glob('epoch_*.pth')) == numbered
    # The validation that was due at the checkpoint has been done, too: the best is the last one's.
    best = tmp_path / f'best_rise_{NEWEST}'
    found = torch.load(best, weights_only=False)
    assert different(found['state_dict'], whole(kept)['state_dict'], 'best') == []
    hub = torch.load(tmp_path / NEWEST, weights_only=False)['message_hub']['runtime_info']
    assert hub['best_ckpt'] == str(best)
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / NEWEST)
    assert not list(tmp_path.glob('.*.part'))


def test_the_comparison_can_fail(train, whole, tmp_path):
    code, printed = train(1, tmp_path, '--cfg-options', 'randomness.seed=1')
    assert code == 0, printed[-3000:]
    other = torch.load(tmp_path / NEWEST, weights_only=False)
    for part in ('state_dict', 'ema_state_dict', 'optimizer'):
        assert different(other[part], whole(1)[part], part)


@pytest.mark.parametrize(
    ('place', 'number'),
    [
        pytest.param('epoch_2.pth', 1, marks=pytest.mark.slow),
        ('best_rise_epoch_2.pth', 1),
        pytest.param('last_checkpoint', 3, marks=pytest.mark.slow),
        pytest.param('scalars.json', 1, marks=pytest.mark.slow),  # epoch 1's validation
        pytest.param('kept_1.py', 1, marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_one_line_and_loses_nothing(train, whole, tmp_path, place, number):
    options = []
    if place == 'kept_1.py':  # the config is the first that is written
        assert train(1, tmp_path, KILL_AT='iter 5')[0] == -signal.SIGKILL
        options = ['--resume']
    code, printed = train(1, tmp_path, *options, FULL_AT=f'{place} {number}')
    assert code == 1
    assert 'Traceback' not in printed
    said = rf'error: {tmp_path}\S*/{place} cannot be written \(File too large\): (\d+) bytes are '
    needed = int(re.search(said, printed)[1])
    saved = min(tmp_path.glob('epoch_?.pth'))  # the one from before
    size = saved.stat().st_size
    assert needed > size / 3 if place.endswith('.pth') else 10 < needed < size
    assert torch.load(saved, weights_only=False)['meta']['iter'] in (ITERATIONS, 2 * ITERATIONS)
    resume(train, whole, tmp_path, 1)


def test_a_damaged_checkpoint_is_skipped_and_what_it_costs_is_said(train, whole, tmp_path):
    assert train(-1, tmp_path, KILL_AT='iter 8')[0] == -signal.SIGKILL
    flip(tmp_path / 'epoch_2.pth', 'data/3')
    (tmp_path / 'last_checkpoint').write_text('')
    printed = resume(train, whole, tmp_path, -1)
    line = next(text for text in printed.splitlines() if '--resume:' in text)
    assert 'last_checkpoint is missing or empty' in line
    assert 'epoch_2.pth skipped, it is cut off or damaged: record archive/data/3 is' in line
    assert line.endswith(f'epoch_1.pth; {ITERATIONS} iterations are trained again')
    for path in tmp_path.glob('epoch_?.pth'):
        flip(path, 'data/3')
    code, printed = train(-1, tmp_path, '--resume')
    assert code == 1
    assert re.search(r'error: --resume: .* none to go on from: .*epoch_3\.pth is cut off', printed)
