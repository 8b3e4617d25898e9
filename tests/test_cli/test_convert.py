"""mmvisx convert: what it prints, and its errors in a line."""

import sys

import pytest

from mmvisx.cli.commands import main
from mmvisx.utils import UserError
from tests.helpers.datasets import labelme_shape, write_labelme


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', ['mmvisx', 'convert', *map(str, words)])
    return main()


@pytest.fixture
def source(tmp_path):
    shapes = [
        labelme_shape('cat', [[4, 5], [14, 5], [14, 13]]),
        labelme_shape('dog', [[8, 5], [18, 13]], 'rectangle', description='old'),
        labelme_shape('dog', [[8, 5]], 'point'),
    ]
    return write_labelme(tmp_path / 'in', {'1': shapes, '2': []})


def test_says_what_was_done_and_what_was_lost(monkeypatch, capsys, source, tmp_path):
    assert call(monkeypatch, source, tmp_path / 'out', '--to', 'voc') is None
    assert capsys.readouterr().out.splitlines() == [
        'train: 2 images, 2 objects',
        f'{tmp_path / "out"}: 2 classes, images copied',
        'what voc cannot hold:',
        "        1 shapes of type 'point', left out",
        '        1 objects with description',
        '        1 outlines, now boxes',
    ]


def test_options(monkeypatch, capsys, source, tmp_path):
    call(monkeypatch, source, tmp_path / 'out', '--from', 'labelme', '--to', 'yolo', '--link')
    assert f'{tmp_path / "out"}: 2 classes, images linked' in capsys.readouterr().out
    assert (tmp_path / 'out/images/train/1.jpg').is_symlink()
    (tmp_path / 'out/data.yaml').unlink()
    call(
        monkeypatch, tmp_path / 'out', tmp_path / 'back', '--to', 'coco', '--splits', 'train',
        '--classes', 'cat', 'dog',
    )  # fmt: skip
    assert (tmp_path / 'back/annotations/instances_train.json').is_file()


def test_unknown_format(monkeypatch, source, tmp_path):
    with pytest.raises(UserError, match=r"format 'yoloo' is not known \(did you mean yolo\?\)"):
        call(monkeypatch, source, tmp_path / 'out', '--to', 'yoloo')
