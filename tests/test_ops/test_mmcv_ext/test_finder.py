"""Which ops a process gets."""

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys
import mmvisx
assert 'torch' not in sys.modules, 'import mmvisx is to be light'
from mmvisx.ops.mmcv_ext import is_standing_in
import torch
from mmcv.ops import carafe, nms
boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 9, 8], [20, 0, 29, 9]])
keep = nms(boxes, torch.tensor([.5, .6, .4]), .5)
print(is_standing_in(), keep[1].tolist())
try:
    carafe(torch.zeros(1, 1, 2, 2), torch.zeros(1, 9, 4, 4), 3, 1, 2)
    print('upsampled')
except RuntimeError as error:
    print(error)
"""


def run(**env):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', CODE], capture_output=True, text=True,
        env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.strip()]


def test_without_compiled_ops():
    first, second = run(MMVISX_OPS='python')[:2]
    assert first == 'True [1, 2]'
    assert "op 'carafe_forward' needs its compiled ops" in second


def test_compiled_ops_go_first():
    first, second = run(MMVISX_OPS='')[:2]
    if first.startswith('True'):
        pytest.skip('mmcv has no compiled ops here')
    assert first == 'False [1, 2]'
    assert 'needs its compiled ops' not in second
