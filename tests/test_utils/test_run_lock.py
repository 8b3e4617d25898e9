"""One training in a work dir at a time."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from mmvisx.utils import UserError, run_lock
from mmvisx.utils.run_lock import check_writable, only_run

HOLD = """
import os, sys, time
from mmvisx.utils.run_lock import only_run
with only_run(sys.argv[1]):
    if os.fork() == 0:  # as a loader worker, which may outlive the training
        time.sleep(3600)
    print('held', flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, with a child of its own, that trains in the folder."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLD, tmp_path], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout.readline() == b'held\n'
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_second_is_refused_until_the_first_is_dead(tmp_path, holder):
    words = rf'{tmp_path} .*process {holder.pid} on {socket.gethostname()}.*--work-dir'
    for _ in range(2):
        with pytest.raises(UserError, match=words), only_run(tmp_path):
            pass
    os.kill(holder.pid, signal.SIGKILL)  # its child lives on
    holder.wait()
    with only_run(tmp_path):
        pass


def test_one_after_the_other_in_a_process(tmp_path):
    for _ in range(2):
        with only_run(tmp_path):
            assert f'process {os.getpid()}' in (tmp_path / '.running').read_text()


def test_file_systems_without_locks_get_a_warning(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, 'lockf', refuse)
    logged = []
    monkeypatch.setattr(run_lock, 'print_log', lambda text, *_: logged.append(text))
    with only_run(tmp_path):
        pass
    assert f'{tmp_path} is on a file system without locks' in logged[0]


@pytest.mark.parametrize('kind', ['file', 'below', 'kernel'])
def test_a_work_dir_that_cannot_be_written_to(tmp_path, kind):
    (tmp_path / 'file').write_text('')
    folder = dict(file=tmp_path / 'file', below=tmp_path / 'file' / 'a', kernel='/proc/self')[kind]
    with pytest.raises(UserError, match=rf'work dir {folder} cannot be written to \(.*--work-dir'):
        check_writable(folder)
