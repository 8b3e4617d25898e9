"""What takes long says so: a bar on a terminal, plain lines elsewhere."""

import io
import os
import sys

import pytest

from mmvisx.datasets.detection.image_list import files_below
from mmvisx.utils import progress as module
from mmvisx.utils.progress import progress


@pytest.fixture
def hasty(monkeypatch):
    """Shows progress from the start, a line for each item."""
    monkeypatch.setattr(module, 'DELAY', 0.0)
    monkeypatch.setattr(module, 'PAUSE', -1.0)


def test_pipes_get_lines(hasty, capsys):
    assert list(progress(['a', 'b'], 'reading')) == ['a', 'b']
    assert capsys.readouterr().err == 'reading: 0 of 2 files\nreading: 1 of 2 files\n'
    assert list(progress(iter('ab'), 'listing x', 'image')) == ['a', 'b']
    assert capsys.readouterr().err == 'listing x: 0 images\nlisting x: 1 images\n'
    assert list(progress(iter('ab'), 'drawing', 'image', 2)) == ['a', 'b']
    assert capsys.readouterr().err == 'drawing: 0 of 2 images\ndrawing: 1 of 2 images\n'


def test_what_is_quick_says_nothing(capsys):
    assert list(progress(range(1000), 'reading')) == list(range(1000))
    assert capsys.readouterr().err == ''


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_terminals_get_a_bar(hasty, monkeypatch):
    monkeypatch.setattr(sys, 'stderr', Terminal())
    assert list(progress(range(3), 'reading')) == [0, 1, 2]
    shown = sys.stderr.getvalue()
    assert shown.startswith('\rreading:   0%')
    assert '| 0/3 [' in shown


@pytest.mark.slow
def test_a_folder_of_200_000_files(monkeypatch, tmp_path, capsys):
    """Listing them alone takes seconds on a slow disk: a line as soon as it takes a tenth."""
    monkeypatch.setattr(module, 'DELAY', 0.1)
    monkeypatch.setattr(module, 'PAUSE', 0.2)
    for folder in range(20):
        (tmp_path / str(folder)).mkdir()
        for number in range(10_000):
            os.close(os.open(tmp_path / f'{folder}/{number}.jpg', os.O_CREAT))
    assert len(files_below(tmp_path, ('.jpg',))) == 200_000
    assert f'listing {tmp_path}: ' in capsys.readouterr().err
