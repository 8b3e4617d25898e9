"""Checkpoints as files."""

import errno
import io
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict

import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmvisx.utils import UserError, checkpoint_file
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.checkpoint_file import Progress, check_intact, progress_of, write_checkpoint


def content():
    """What a checkpoint holds, with classes that are not built in."""
    return dict(
        meta=dict(epoch=2, iter=8, cfg='a = 1\n'),
        state_dict=OrderedDict(a=torch.randn(50, 3), b=torch.arange(7), c=torch.zeros(())),
        optimizer=dict(state={0: dict(momentum_buffer=torch.randn(50, 3))}, param_groups=[]),
        message_hub=dict(log_scalars={'loss': HistoryBuffer([1.0], [1])}, sets={1, 2}),
    )


def records(path):
    """The first byte and the length of the content of each record, by the format itself."""
    raw = path.read_bytes()
    found, at = {}, 0
    with zipfile.ZipFile(path) as archive:
        sizes = {info.header_offset: info for info in archive.infolist()}
    for at, info in sizes.items():
        name, extra = struct.unpack('<HH', raw[at + 26 : at + 30])
        found[info.filename] = (at + 30 + name + extra, info.file_size)
    return found


def test_a_flipped_bit_in_any_record_is_refused_by_name(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    write_checkpoint(content(), path)
    read_checkpoint(path)
    whole = path.read_bytes()
    places = records(path)
    assert sum('/data/' in name for name in places) >= 4
    refused = 0
    for name, (start, size) in places.items():
        for byte in {start, start + size // 2, start + size - 1}:
            damaged = bytearray(whole)
            damaged[byte] ^= 1 << byte % 8
            path.write_bytes(damaged)
            os.utime(path, ns=(0, byte))  # a file that has changed within the clock's tick
            with pytest.raises(
                UserError, match=rf'epoch_1\.pth is cut off or damaged: record {name}'
            ):
                read_checkpoint(path)
            refused += 1
    assert refused > len(places)


def test_a_flipped_bit_in_the_directory_is_refused_or_does_nothing(tmp_path):
    """PyTorch stumbles over bytes that zipfile does not look at, and the other way round."""
    path = tmp_path / 'epoch_1.pth'
    saved = dict(meta=dict(iter=8), state_dict=dict(a=torch.randn(5, 3), b=torch.randn(7)))
    write_checkpoint(saved, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    refused, size = 0, len(whole)
    for place in range(start * 8, size * 8, 7):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        os.utime(path, ns=(0, place))
        try:
            check_intact(path)
        except UserError:
            refused += 1
            continue
        read = torch.load(path, weights_only=True)['state_dict']
        assert read.keys() == {'a', 'b'}, place
        assert all(torch.equal(value, saved['state_dict'][name]) for name, value in read.items())
    assert refused > (size - start) * 8 / 7 / 3


def test_torch_itself_does_not_see_it(tmp_path):
    path = tmp_path / 'a.pth'
    write_checkpoint(content(), path)
    start, size = records(path)['archive/data/0']
    damaged = bytearray(path.read_bytes())
    damaged[start + size // 2] ^= 4
    path.write_bytes(damaged)
    wrong = torch.load(path, weights_only=False)['state_dict']
    assert wrong.keys() == {'a', 'b', 'c'}


@pytest.mark.parametrize('share', [0.01, 0.5, 0.999])
def test_cut_off(tmp_path, share):
    path = tmp_path / 'a.pth'
    write_checkpoint(content(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UserError, match=r'a\.pth is cut off or damaged'):
        check_intact(path)
    with pytest.raises(UserError, match=r'a\.pth is cut off or damaged'):
        progress_of(path)


def test_files_without_checksums_pass(tmp_path):
    torch.save(content(), tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    check_intact(tmp_path / 'old.pth')


def test_an_intact_file_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    write_checkpoint(content(), path)
    opened = []
    plain = zipfile.ZipFile
    monkeypatch.setattr(zipfile, 'ZipFile', lambda *args: opened.append(1) or plain(*args))
    check_intact(path)
    check_intact(path)
    assert len(opened) == 1
    write_checkpoint(content(), path)
    check_intact(path)
    assert len(opened) == 2


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f'touch {self.canary}',)


def test_progress_is_read_without_importing_anything(tmp_path):
    path = tmp_path / 'a.pth'
    write_checkpoint(content(), path)
    assert progress_of(path) == Progress(epoch=2, iter=8, complete=True)
    canary = tmp_path / 'canary'
    hostile = dict(content(), hostile=Hostile(canary), optimizer=Hostile(canary))
    torch.save(hostile, path)
    assert progress_of(path) == Progress(epoch=2, iter=8, complete=True)
    assert not canary.exists()
    pickle.loads(pickle.dumps(Hostile(canary)))
    assert canary.exists()  # the test can fail
    torch.save(content()['state_dict'], path)
    assert progress_of(path) is None


def test_writing_needs_no_second_copy(tmp_path):
    tensors = {str(k): torch.zeros(2**18) for k in range(32)}  # 1 MiB each

    def peak(write):
        tracemalloc.start()
        write()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def in_memory():
        with io.BytesIO() as file:
            torch.save(tensors, file)
            (tmp_path / 'b.pth').write_bytes(file.getvalue())

    assert peak(in_memory) > 32 * 2**20
    assert peak(lambda: write_checkpoint(tensors, tmp_path / 'a.pth')) < 2**20
    assert (tmp_path / 'a.pth').stat().st_size == (tmp_path / 'b.pth').stat().st_size


def test_no_room_names_what_is_needed(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    write_checkpoint(content(), path)
    whole = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    shared = torch.zeros(1000)
    monkeypatch.setattr(checkpoint_file.os, 'fsync', full)
    with pytest.raises(UserError, match=r'a\.pth cannot be written \(No space.*: 4000 bytes are'):
        write_checkpoint(dict(a=shared, b=[shared], c=shared.view(10, 100)), path)
    assert path.read_bytes() == whole
