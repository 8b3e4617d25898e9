"""A GPU that mmcv's ops cannot use is hidden from the tools, and said so."""

import os
import subprocess
import sys
from pathlib import Path

import mmcv._ext
import pytest

from mmvisx.utils import device


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """``machine(linked)`` is one with a driver and with ops that are linked to ``linked``."""

    def make(linked, driver=True):
        package = tmp_path / 'mmcv'
        package.mkdir()
        (package / '__init__.py').write_text('raise AssertionError("imported too early")')
        (package / '_ext.cpython-311.so').write_bytes(b'\x7fELF\0libc10.so\0' + linked + b'\0')
        (tmp_path / 'driver').write_text('580')
        drivers = (str(tmp_path / 'driver'),) if driver else ()
        monkeypatch.setattr(device, '_DRIVERS', drivers)
        monkeypatch.delitem(sys.modules, 'mmcv', raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)

    return make


def test_hidden_where_the_ops_are_for_the_cpu(machine, capsys):
    machine(b'libtorch_cpu.so')
    device.hide_gpu_without_ops()
    assert os.environ['CUDA_VISIBLE_DEVICES'] == ''
    (line,) = capsys.readouterr().err.splitlines()
    assert "mmcv's ops were built for the CPU only" in line
    assert 'mmvisx env' in line


@pytest.mark.parametrize(
    ('linked', 'driver', 'chosen'),
    [(b'libc10_cuda.so', True, None), (b'', False, None), (b'', True, '1')],
    ids=['ops for the GPU', 'no GPU', 'chosen by the user'],
)
def test_left_alone(machine, monkeypatch, capsys, linked, driver, chosen):
    machine(linked, driver)
    if chosen is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', chosen)
    device.hide_gpu_without_ops()
    assert os.environ.get('CUDA_VISIBLE_DEVICES') == chosen
    assert capsys.readouterr().err == ''


def test_the_marker_is_what_this_mmcv_says_of_itself():
    for_cuda = mmcv._ext.get_compiling_cuda_version() != 'not available'
    assert device._mentions(Path(mmcv._ext.__file__), device._CUDA_LIBRARY) == for_cuda


def test_every_tool_looks_before_it_starts(tmp_path):
    """Through the tools' common entrance, in a fresh process, before torch is imported."""
    code = """
import os, sys
from mmvisx.utils import device, run_cli
device._DRIVERS = ('/',)
def main():
    print('torch' in sys.modules, repr(os.environ.get('CUDA_VISIBLE_DEVICES')))
device._mentions = lambda *_: False
run_cli(main)
"""
    (tmp_path / 'mmcv').mkdir()
    for name in ('__init__.py', '_ext.so'):  # compiled ops, whether mmcv's are here or not
        (tmp_path / 'mmcv' / name).touch()
    env = {k: v for k, v in os.environ.items() if k != 'CUDA_VISIBLE_DEVICES'}
    env['PYTHONPATH'] = os.pathsep.join([str(tmp_path), *sys.path[1:]])
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, env=env)
    assert done.stdout.split() == ['False', "''"], done.stderr
