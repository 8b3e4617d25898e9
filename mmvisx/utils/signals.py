"""Signals that ask a training to end: remembered by its process, ignored by its data loading."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

__all__ = ['CAUGHT', 'CaughtSignals', 'ignore_in_workers']

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class CaughtSignals:
    """Remember the first of :data:`CAUGHT` that comes while it is on, instead of ending.

    A second Ctrl-C (SIGINT) ends the process at once, as the system does it, whatever it does.
    Only Python's main thread can be told of signals: in another one nothing is caught. A signal
    that is ignored, as Ctrl-C by a background job of a script, stays so. Processes that are forked
    meanwhile, a pool of an evaluation for example, do what they would have done before.

    Attributes:
        number: Of the signal, 0 while there is none.
    """

    def __init__(self) -> None:
        self.number = 0
        self._process = 0
        self._before: dict[int, Any] = {}

    def start(self) -> None:
        """Catch signals from here on."""
        self.number = 0
        self._process = os.getpid()
        if threading.current_thread() is not threading.main_thread():
            return
        for number in CAUGHT:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._catch)
                # Libraries in C need not know that a call can be cut short.
                signal.siginterrupt(number, False)

    def stop(self) -> None:
        """Do again what was done before; may be called more than once."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            signal.signal(number, self._before[number])
            os.kill(os.getpid(), number)
            return
        self.number = self.number or number
        if number == signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
            # Not print, which may be what has been interrupted.
            os.write(2, b'\nCtrl-C: ends after this iteration with a checkpoint; again: at once\n')


def ignore_in_workers(loader: DataLoader) -> None:
    """Let the processes that load data ignore :data:`CAUGHT`.

    A terminal and a cluster send signals to all processes of a job. The one that trains decides
    when its workers end.
    """
    before: Any = loader.worker_init_fn
    if getattr(before, 'func', None) is not _start_worker:
        loader.worker_init_fn = partial(_start_worker, before)
        start: Callable[[], Any] = loader._get_iterator
        loader._get_iterator = partial(_start_blocked, start)  # type: ignore[method-assign]


def _start_blocked(start: Callable[[], Any]) -> Any:
    """Start workers that no signal reaches before :func:`_start_worker` has set what it does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
    try:
        return start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(init: Callable[[int], None] | None, worker: int) -> None:
    for number in CAUGHT:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    # By SIGTERM from its parent a worker is made to end, by whatever cleans up.
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGTERM})
    threading.Thread(target=_end_for_parent, daemon=True).start()
    if init is not None:
        init(worker)


def _end_for_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
