"""Shared fixtures."""

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
REALDATA = Path(os.environ.get('MMVISX_REALDATA', ROOT.parent / 'shared' / 'data'))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(scope='session')
def repo() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope='session')
def realdata() -> Path:
    """The folder of real images; skips the test where there is none."""
    if not REALDATA.is_dir():
        pytest.skip(f'no real data: {REALDATA} does not exist (set MMVISX_REALDATA)')
    return REALDATA
