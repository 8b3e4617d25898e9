"""What command lines do with errors."""

import os
import signal
import sys

import pytest

from mmvisx.cli import train
from mmvisx.utils import run_cli


def test_ctrl_c_is_one_line(capsys):
    """Before a training catches it, and in commands that never do."""
    with pytest.raises(SystemExit) as raised:
        run_cli(lambda: signal.raise_signal(signal.SIGINT))
    assert raised.value.code == 130
    assert capsys.readouterr().err == '\nCtrl-C: ended\n'


def test_a_cluster_that_says_so_before_the_training_begins(monkeypatch, tmp_path):
    """Its script asks for 143, whenever the signal came."""
    before = signal.getsignal(signal.SIGUSR1)
    # By default the signal would end this process.
    signal.signal(signal.SIGUSR1, lambda number, frame: None)

    def prepare(*_):
        os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr('mmvisx.apis.run.prepare_config', prepare)
    monkeypatch.setattr(sys, 'argv', ['train.py', str(tmp_path / 'a.py')])
    try:
        with pytest.raises(SystemExit) as raised:
            run_cli(train.main)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert raised.value.code == 143
