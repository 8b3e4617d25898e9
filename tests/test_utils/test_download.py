"""Downloads are compared with the SHA-256 that their names or addresses have."""

import hashlib
import http.server
import threading
from functools import partial

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from mmvisx.utils import UserError, download
from mmvisx.utils.checkpoint import read_checkpoint
from tests.helpers.hostile import CHECKPOINTS, weights


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder that a server gives out, and its address; downloads go into ``tmp_path``."""
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path / 'hub'))
    folder = tmp_path / 'served'
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ('127.0.0.1', 0), partial(Handler, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def put(folder, name='net-{}.pth'):
    """A checkpoint under a name with the first digits of its SHA-256; returns name and digits."""
    torch.save(weights(), folder / 'x')
    digits = hashlib.sha256((folder / 'x').read_bytes()).hexdigest()
    (folder / 'x').rename(folder / name.format(digits[:8]))
    return name.format(digits[:8]), digits


@pytest.mark.parametrize('ask', [read_checkpoint, CheckpointLoader.load_checkpoint])
def test_the_right_file_arrives_and_is_kept(served, ask):
    folder, address = served
    name, _ = put(folder)
    assert torch.equal(ask(f'{address}/{name}')['0.weight'], torch.ones(2, 3))
    (folder / name).unlink()
    assert torch.equal(ask(f'{address}/{name}?x=1')['0.weight'], torch.ones(2, 3))


@pytest.mark.parametrize('where', ['served', 'kept'])
def test_another_file_is_refused(served, tmp_path, where):
    folder, address = served
    name, _ = put(folder)
    if where == 'kept':
        read_checkpoint(f'{address}/{name}')
        folder = tmp_path / 'hub' / 'checkpoints'
    other = weights()
    other['0.bias'] += 1
    torch.save(other, folder / name)
    with pytest.raises(UserError, match=f'{name}.* its SHA-256 is [0-9a-f]{{64}}, not'):
        read_checkpoint(f'{address}/{name}')


def test_a_given_sum_counts(served):
    folder, address = served
    name, digits = put(folder, 'resnet-50.pth')  # 50 is no sum
    read_checkpoint(f'{address}/{name}#sha256={digits}')
    with pytest.raises(UserError, match=f'not {"0" * 64}'):
        read_checkpoint(f'{address}/{name}#sha256={"0" * 64}')


def test_a_file_without_a_sum_is_said(served, monkeypatch):
    lines = []
    monkeypatch.setattr(download, 'print_log', lambda line, *_: lines.append(line))
    folder, address = served
    name, digits = put(folder, 'net.pth')
    read_checkpoint(f'{address}/{name}')
    assert len(lines) == 1
    assert f'append #sha256={digits}' in lines[0]


def test_nothing_of_a_download_is_run(served, tmp_path):
    folder, address = served
    for kind in ('evaluated', 'built', 'nested_zip', 'legacy'):
        CHECKPOINTS[kind](folder / f'{kind}.pth', tmp_path / 'canary')
        try:
            CheckpointLoader.load_checkpoint(f'{address}/{kind}.pth')
        except (UserError, RuntimeError):
            assert kind == 'nested_zip'
        assert not (tmp_path / 'canary').exists()
