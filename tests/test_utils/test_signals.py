"""Signals that come while loader workers start."""

import os
import signal

import pytest
from torch.utils.data import DataLoader

from mmvisx.utils.signals import CaughtSignals, ignore_in_workers

_in_new_workers = []  # signals that each process which is forked gets at once
os.register_at_fork(
    after_in_child=lambda: [os.kill(os.getpid(), number) for number in _in_new_workers]
)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGUSR1])
def test_a_worker_that_has_just_been_forked_ignores_signals(monkeypatch, number):
    """A signal to all processes of a job may come before the worker has set what it does."""
    loader = DataLoader(range(4), num_workers=2, timeout=60)
    ignore_in_workers(loader)
    ignore_in_workers(loader)  # as a loader does that is built into a second runner
    caught = CaughtSignals()
    caught.start()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        monkeypatch.setitem(globals(), '_in_new_workers', [number])
        for _ in range(2):
            assert [int(batch) for batch in loader] == [0, 1, 2, 3]
    finally:
        caught.stop()
    assert caught.number == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
