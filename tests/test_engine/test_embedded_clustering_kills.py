"""Both phases of DEC, killed where nothing can catch it, end as if they had not been."""

import os
import signal
import subprocess
import sys
import time
from typing import ClassVar

import pytest
import torch

from tests.helpers.embedded_clustering import STAGES, Trainings
from tests.helpers.processes import run_forked
from tests.test_engine.test_resume import different

PATIENCE = 200  # seconds
# Not where stages end, nor where targets are renewed
EVERY = dict(autoencoder=4, dec=3)
# Parts of a checkpoint that only one phase has
OWN = dict(autoencoder='param_schedulers', dec='mmvisx_dec_targets')
KILLS = [
    ('autoencoder', 'iter 5'),  # the first pair
    ('autoencoder', 'write iter_8.pth 1'),
    ('autoencoder', 'iter 11'),  # the second
    ('autoencoder', 'iter 14'),  # the third, from a checkpoint where the second ended
    ('autoencoder', 'iter 18'),
    ('autoencoder', 'iter 23'),  # the whole
    ('dec', 'iter 3'),  # no checkpoint yet
    ('dec', 'iter 5'),
    ('dec', 'iter 8'),  # before the renewal
    ('dec', 'write iter_9.pth 1'),
    ('dec', 'iter 11'),
]
QUICK = {('autoencoder', 'iter 11'), ('autoencoder', 'iter 23'), ('dec', 'iter 8')}


class Killed(Trainings):
    """Trainings in processes of their own, which end at iteration ``last``."""

    last: ClassVar = dict(autoencoder=sum(STAGES), dec=12)

    def config(self, kind, extra=''):
        """Write a config of the autoencoder or of the clusters that begin with it."""
        lines = f'\ndefault_hooks["checkpoint"]["interval"] = {EVERY[kind]}\n'
        if kind == 'dec':
            start = self.folder / 'whole_autoencoder' / f'iter_{self.last["autoencoder"]}.pth'
            cfg = f'type="Pretrained", checkpoint={str(start)!r}, prefix="encoder."'
            lines += f'model["encoder"]["init_cfg"] = dict({cfg})\n'
        self.write(kind, kind, lines + extra)

    def end(self, kind, work_dir):
        """Read the last checkpoint."""
        return torch.load(work_dir / f'iter_{self.last[kind]}.pth', weights_only=False)

    def train(self, kind, work_dir, *options, **settings):
        """Train in a process of its own; return exit code and what was printed."""
        script = self.repo / 'tests/helpers/killed_training.py'
        command = (script, self.folder / f'{kind}.py', '--work-dir', work_dir, *options)
        settings = dict(settings, OMP_NUM_THREADS='1')
        (code,), (printed,) = run_forked(*command, settings=[settings], timeout=PATIENCE)
        return code, printed


@pytest.fixture(scope='module')
def trainings(repo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Killed(repo, tmp_path_factory.mktemp('killed'), monkeypatch)


@pytest.fixture(scope='module')
def whole(trainings):
    """The last checkpoint of each phase that nobody disturbs."""
    found = {}
    for kind in ('autoencoder', 'dec'):
        trainings.config(kind)
        code, printed = trainings.train(kind, trainings.folder / f'whole_{kind}')
        assert code == 0, printed[-3000:]
        found[kind] = trainings.end(kind, trainings.folder / f'whole_{kind}')
    return found


def assert_same(kind, one, other):
    for part in ('state_dict', 'optimizer', OWN[kind]):
        assert different(one[part], other[part], part) == []


@pytest.mark.parametrize(
    ('kind', 'moment'),
    [pytest.param(*kill, marks=() if kill in QUICK else pytest.mark.slow) for kill in KILLS],
)
def test_resumed_is_uninterrupted_bit_for_bit(trainings, whole, tmp_path, kind, moment):
    code, printed = trainings.train(kind, tmp_path, KILL_AT=moment)
    assert code == -signal.SIGKILL, printed[-3000:]
    assert not (tmp_path / f'iter_{trainings.last[kind]}.pth').exists()
    code, printed = trainings.train(kind, tmp_path, '--resume')
    assert code == 0, printed[-3000:]
    assert_same(kind, trainings.end(kind, tmp_path), whole[kind])


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['autoencoder', 'dec'])
def test_the_comparison_can_fail(trainings, whole, tmp_path, kind):
    code, printed = trainings.train(kind, tmp_path, '--cfg-options', 'randomness.seed=4')
    assert code == 0, printed[-3000:]
    with pytest.raises(AssertionError):
        assert_same(kind, trainings.end(kind, tmp_path), whole[kind])


LONG = [60, 60, 60, 100]


class KilledFromOutside(Killed):
    """``tools/train.py`` as a user starts it, long enough to be hit in any phase."""

    last: ClassVar = dict(autoencoder=sum(LONG), dec=200)

    def start(self, kind, work_dir, *options):
        """Start a training in a group of its own."""
        command = [sys.executable, 'tools/train.py', self.folder / f'{kind}.py', *options]
        work_dir.mkdir(exist_ok=True)
        with open(work_dir / 'output.txt', 'a') as output:
            return subprocess.Popen(
                [*command, '--work-dir', work_dir],
                cwd=self.repo,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(self.repo)},
                start_new_session=True,
            )

    def finish(self, kind, work_dir, *options):
        """Train to the end; read the last checkpoint."""
        code = self.start(kind, work_dir, *options).wait(timeout=PATIENCE)
        assert code == 0, (work_dir / 'output.txt').read_text()[-3000:]
        return self.end(kind, work_dir)


@pytest.fixture(scope='module')
def outside(repo, tmp_path_factory):
    long = f'train_cfg["stages"] = {LONG}\n'
    long += f'param_scheduler = [dict(each, stages={LONG}) for each in param_scheduler]\n'
    with pytest.MonkeyPatch.context() as monkeypatch:
        trainings = KilledFromOutside(repo, tmp_path_factory.mktemp('outside'), monkeypatch)
        trainings.config('autoencoder', extra=long)
        trainings.config('dec', extra='train_cfg["max_iters"] = 200\n')
        yield trainings


@pytest.fixture(scope='module')
def outside_whole(outside):
    kinds = ('autoencoder', 'dec')
    return {kind: outside.finish(kind, outside.folder / f'whole_{kind}') for kind in kinds}


@pytest.mark.slow
@pytest.mark.parametrize(
    ('kind', 'first', 'end'),
    [
        ('autoencoder', 64, 120),
        ('autoencoder', 184, 280),
        ('dec', 3, 200),
    ],
)
def test_the_command_killed_from_outside(outside, outside_whole, tmp_path, kind, first, end):
    """As soon as the first checkpoint of a phase is there, which ends at iteration ``end``."""
    process = outside.start(kind, tmp_path)
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / f'iter_{first}.pth').exists():
        assert process.poll() is None, (tmp_path / 'output.txt').read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(timeout=PATIENCE) == -signal.SIGKILL
    reached = max(int(path.stem.split('_')[1]) for path in tmp_path.glob('iter_*.pth'))
    assert first <= reached < end
    assert_same(kind, outside.finish(kind, tmp_path, '--resume'), outside_whole[kind])
