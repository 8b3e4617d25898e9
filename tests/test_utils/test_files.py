"""Files that are written at once or not at all."""

import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from mmvisx.utils import UserError
from mmvisx.utils.files import remove_leftovers, write_json, write_text, writing

LIMIT = 20_000  # bytes


@pytest.fixture
def size_limit():
    """Forbid this process files of more than LIMIT bytes: as a full disk, without filling one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_new_content_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with writing(path) as file:
        file.write('nü')
        file.flush()
        assert path.read_text() == 'old'
    assert path.read_bytes() == 'nü'.encode()
    write_json(path, {'b': [1]})
    assert json.loads(path.read_text()) == {'b': [1]}
    with writing(tmp_path / 'a.npz', 'wb') as file:
        np.savez(file, a=np.arange(3))
    assert np.load(tmp_path / 'a.npz')['a'].tolist() == [0, 1, 2]
    assert sorted(os.listdir(tmp_path)) == ['a.npz', 'a.txt']


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / 'plain').write_text('')
    write_text(tmp_path / 'ours', '')
    assert (tmp_path / 'ours').stat().st_mode == (tmp_path / 'plain').stat().st_mode


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')

    def fail(kind):
        with writing(path) as file:
            file.write('new' * 10_000)
            raise kind('of the block')

    for kind in (ValueError, KeyboardInterrupt, FileNotFoundError):
        with pytest.raises(kind, match='of the block'):
            fail(kind)
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


def test_too_large_names_path_and_bytes_and_keeps_the_old(tmp_path, size_limit):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(UserError, match=rf'a\.txt cannot be written .*: {2 * LIMIT} bytes .*ulim'):
        write_text(path, 'x' * 2 * LIMIT)
    needed = rf'at least {LIMIT} bytes are needed, \d+ are free'
    with pytest.raises(UserError, match=needed), writing(path, 'wb') as file:
        torch.save(torch.zeros(LIMIT), file)
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


@pytest.mark.parametrize(
    ('number', 'words'),
    [(errno.ENOSPC, 'room on the disk'), (errno.EDQUOT, 'quota'), (errno.EIO, 'Choose a folder')],
)
def test_errors_when_the_content_goes_to_the_disk(tmp_path, monkeypatch, number, words):
    path = tmp_path / 'a.txt'
    path.write_text('old')

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    for name in ('fsync', 'replace'):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, refuse)
            with pytest.raises(UserError, match=rf'{os.strerror(number)}.*: 3 bytes.*(?i:{words})'):
                write_text(path, 'new')
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


def test_a_folder_that_is_missing_or_no_folder(tmp_path):
    write_text(tmp_path / 'no' / 'such' / 'a.txt', 'new')
    assert (tmp_path / 'no' / 'such' / 'a.txt').read_text() == 'new'
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='Not a directory'):
        write_text(tmp_path / 'file' / 'a.txt', 'new')
    with pytest.raises(UserError, match='Is a directory'):
        write_text(tmp_path, 'new')
    assert not list(tmp_path.parent.glob('.*.part'))


def test_links_stay_links_and_pipes_pipes(tmp_path):
    (tmp_path / 'there').write_text('old')
    (tmp_path / 'link').symlink_to('there')
    write_text(tmp_path / 'link', 'new')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'there').read_text() == 'new'
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, 'through')
    reader.join()
    assert read == ['through']
    assert stat.S_ISFIFO(pipe.stat().st_mode)


KILLED = """
import os, signal, sys
from mmvisx.utils.files import writing
with writing(sys.argv[1]) as file:
    file.write('new')
    file.flush()
    print('written', flush=True)
    if sys.argv[2] == 'die':
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    command = [sys.executable, '-c', KILLED, path]
    assert subprocess.run([*command, 'die'], capture_output=True).returncode == -signal.SIGKILL
    assert path.read_text() == 'old'
    assert len(list(tmp_path.glob('.a.txt.*.part'))) == 1
    living = subprocess.Popen([*command, 'wait'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert living.stdout.readline() == b'written\n'
    assert len(remove_leftovers(tmp_path)) == 1
    assert len(list(tmp_path.glob('.a.txt.*.part'))) == 1
    living.communicate(b'')
    assert path.read_text() == 'new'
    assert os.listdir(tmp_path) == ['a.txt']
