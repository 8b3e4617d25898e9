"""Trainings in processes of their own are told to end: exit codes, workers, two processes."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch

from tests.helpers.interrupted_training import BATCHES, ITERATIONS, train
from tests.helpers.processes import ROOT, kill_family, run_two

SCRIPT = ROOT / 'tests' / 'helpers' / 'interrupted_training.py'
PATIENCE = 120  # seconds


class Training:
    """A training of ``SCRIPT``; what it prints goes to a file."""

    def __init__(self, folder, **options):
        folder.mkdir(exist_ok=True)
        self.output = folder / 'output.txt'
        with open(self.output, 'a') as output:
            self.start = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, SCRIPT, folder, json.dumps(options)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
                start_new_session=True,
            )

    def printed(self):
        return self.output.read_text()[self.start :]

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE
        while text not in self.printed():
            assert self.process.poll() is None, self.printed()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def tell(self, number, everyone=False):
        """Send a signal to the process, or to its workers, too, as a cluster and a terminal do."""
        if everyone:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def end(self):
        return self.process.wait(timeout=PATIENCE)


@pytest.fixture
def training(tmp_path):
    started = []

    def call(**options):
        started.append(Training(tmp_path / 'broken', **options))
        return started[-1]

    yield call
    for one in started:
        kill_family(one.process)


def check_end(folder, **options):
    """Resume in this process, and compare with a training that nothing has interrupted."""
    resumed = train(folder / 'broken', resume=True, **options)
    whole = train(folder / 'whole', **options)
    assert torch.equal(resumed.weight, whole.weight)
    assert resumed.images == whole.images == 2 * ITERATIONS


def test_workers_leave_a_signal_for_all_to_their_parent(tmp_path, training):
    first = training(workers=2, seconds=0.3)
    first.wait_for('ITERATION 5')
    workers = psutil.Process(first.process.pid).children()
    assert len(workers) == 2
    for _ in range(3):  # a cluster may repeat itself
        first.tell(signal.SIGTERM, everyone=True)
    assert first.end() == 143
    assert 'Traceback' not in first.printed()
    assert not any(worker.is_running() for worker in workers)
    done = int(first.printed().split('stopped after iteration ')[1].split('.')[0])
    assert 6 <= done <= 7
    check_end(tmp_path, workers=2)


def test_a_second_ctrl_c_ends_at_once(training):
    first = training(workers=1, seconds=20)
    first.wait_for('ITERATION 0')
    first.tell(signal.SIGINT, everyone=True)
    first.wait_for('again: at once')
    time.sleep(0.3)
    assert first.process.poll() is None  # it finishes the iteration
    begin = time.monotonic()
    first.tell(signal.SIGINT, everyone=True)
    assert first.end() == -signal.SIGINT  # 130 to a shell
    assert time.monotonic() - begin < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 143)]
)
def test_exit_codes(tmp_path, training, number, code):
    first = training(seconds=0.3, validate=True)
    first.wait_for(f'ITERATION {BATCHES + 1}')
    first.tell(number)
    assert first.end() == code
    assert 'Traceback' not in first.printed()
    check_end(tmp_path, validate=True)


@pytest.mark.slow
def test_a_pool_that_is_forked_meanwhile_can_be_terminated(tmp_path):
    """Its processes inherit handlers that would swallow the signal."""
    code = (
        'import signal, multiprocessing\n'
        'from mmvisx.utils.signals import CaughtSignals\n'
        'caught = CaughtSignals()\n'
        'caught.start()\n'
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        '    assert pool.map(abs, [-1, 2]) == [1, 2]\n'
        'assert not caught.number\n'
    )
    subprocess.run([sys.executable, '-c', code], cwd=ROOT, timeout=PATIENCE, check=True)


def start_both(folder, **options):
    """Train in two processes; return exit codes and weights of both."""
    folder.mkdir(exist_ok=True)
    run_two(SCRIPT.with_name('interrupted_two.py'), folder, json.dumps(options))
    return [torch.load(folder / f'rank{rank}.pth') for rank in range(2)]


@pytest.mark.parametrize('accumulate', [1, pytest.param(4, marks=pytest.mark.slow)])
def test_two_processes_end_after_the_same_iteration(tmp_path, accumulate):
    options = dict(accumulate=accumulate)
    whole = start_both(tmp_path / 'whole', **options)
    # The first knows of it only from the second.
    broken = start_both(tmp_path / 'broken', stop=dict(at=1, rank=1), **options)
    assert [end['code'] for end in broken] == [143, 143]
    saved = torch.load(tmp_path / 'broken' / 'interrupted.pth', weights_only=False)
    assert saved['meta']['iter'] == 3  # of two an epoch
    resumed = start_both(tmp_path / 'broken', resume=True, **options)
    for rank in range(2):
        assert broken[rank]['seen'] + resumed[rank]['seen'] == whole[rank]['seen']
        ours, expected = resumed[rank]['state'], whole[rank]['state']
        if accumulate == 1:
            assert torch.equal(ours['weight'], expected['weight'])
        else:  # the gradients have been summed in another order
            torch.testing.assert_close(ours['weight'], expected['weight'])


@pytest.mark.slow
def test_two_processes_end_in_a_validation(tmp_path):
    options = dict(validate=True)
    whole = start_both(tmp_path / 'whole', **options)
    broken = start_both(tmp_path / 'broken', stop=dict(at=BATCHES // 2, batch=0, rank=0), **options)
    assert [end['code'] for end in broken] == [143, 143]
    resumed = start_both(tmp_path / 'broken', resume=True, **options)
    for rank in range(2):
        assert torch.equal(resumed[rank]['state']['weight'], whole[rank]['state']['weight'])
