"""Looking through a folder."""

import pytest

from mmvisx.apis.init.scan import json_kind, part_of, scan
from mmvisx.utils import UserError


@pytest.mark.parametrize(
    ('path', 'part'),
    [
        ('annotations/instances_train2017.json', 'train'),
        ('train/_annotations.coco.json', 'train'),
        ('valid/images', 'val'),
        ('train/val', 'val'),
        ('ImageSets/Main/trainval.txt', 'train'),
        ('testing/x.png', 'test'),
        ('images/0.jpg', None),
    ],
)
def test_part_that_a_path_names(path, part):
    assert part_of(path) == part


@pytest.mark.parametrize(
    ('text', 'kind'),
    [
        ('{"images": [], "annotations": [], "categories": []}', 'coco'),
        ('{"images": [], "annotations": [{"segments_info": []}], "categories": []}', 'panoptic'),
        ('{"shapes": [], "imagePath": "a.jpg"}', 'labelme'),
        ('{"results": 3}', ''),
        ('', ''),
    ],
)
def test_kind_of_a_json_file(tmp_path, text, kind):
    (tmp_path / 'a.json').write_text(text)
    assert json_kind(tmp_path / 'a.json') == kind


def test_hidden_files_do_not_count_and_endings_do(tmp_path):
    for name in ('a.JPG', 'b.jpg', 'deep/er/c.txt', '.git/x', '.DS_Store', 'README'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('')
    assert (
        scan(tmp_path).table()
        == '2 x .jpg (a.JPG), 1 x no ending (README), 1 x .txt (deep/er/c.txt)'
    )


def test_links_to_folders_are_followed(tmp_path):
    (tmp_path / 'far').mkdir()
    (tmp_path / 'far' / 'a.jpg').write_text('')
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'images').symlink_to(tmp_path / 'far')
    assert scan(tmp_path / 'mine').table() == '1 x .jpg (images/a.jpg)'


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match='holds no file'):
        scan(tmp_path)
    with pytest.raises(UserError, match='does not exist'):
        scan(tmp_path / 'none')


def test_many_files_show_how_far_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('mmvisx.utils.progress.DELAY', 0.0)
    monkeypatch.setattr('mmvisx.utils.progress.PAUSE', 0.0)
    for k in range(3):
        (tmp_path / f'{k}.jpg').write_text('')
    scan(tmp_path)
    assert f'looking through {tmp_path}: 2 files' in capsys.readouterr().err


@pytest.mark.slow
def test_two_hundred_thousand_files_show_progress(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('mmvisx.utils.progress.DELAY', 0.1)
    monkeypatch.setattr('mmvisx.utils.progress.PAUSE', 0.2)
    for folder in range(200):
        (tmp_path / str(folder)).mkdir()
        for k in range(1000):
            (tmp_path / str(folder) / f'{k}.jpg').touch()
    seen = scan(tmp_path)
    assert seen.table().startswith('200000 x .jpg')
    assert capsys.readouterr().err.count('looking through') >= 2
