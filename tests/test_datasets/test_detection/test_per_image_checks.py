"""Faults of YOLO and LabelMe data, each made on purpose, each counted with file and line."""

import json
import shutil

import pytest

from mmvisx.cli.datasets.check_dataset import main
from mmvisx.datasets.detection.per_image_checks import check_labelme, check_yolo
from mmvisx.utils import UserError
from tests.helpers.datasets import labelme_shape, write_labelme, write_yolo

BOX = '0 0.5 0.5 0.25 0.5'
TRIANGLE = [[4, 5], [14, 5], [14, 13]]


def counts(report):
    return {check: count for check, count in report.counts.items() if count}


def test_clean_data(tmp_path):
    path = write_yolo(tmp_path / 'yolo', {'1': BOX, '2': ''})
    report = check_yolo(path)
    assert (report.images, report.objects, report.faults) == (2, 1, 0)
    folder = write_labelme(tmp_path / 'labelme', {'1': [labelme_shape('cat', TRIANGLE)]})
    report = check_labelme(folder)
    assert (report.images, report.objects, report.faults) == (1, 1, 0)


def test_all_faults_of_yolo_are_counted(tmp_path):
    lines = f'{BOX}\n\n0 1 2 3\n7 0.5 0.5 0.1 0.1\n0 0.5 0.5 0 0\n0 0.9 0.5 0.9 0.1'
    path = write_yolo(tmp_path, {'1': lines, '2': BOX, '3': BOX, '4': BOX, '5': BOX})
    (tmp_path / 'images/train/2.jpg').unlink()
    shutil.copy(tmp_path / 'images/train/3.jpg', tmp_path / 'images/train/3.png')
    (tmp_path / 'images/train/4.jpg').write_text('no image')
    (tmp_path / 'labels/train/5.txt').write_bytes(b'\xff\xfe')
    report = check_yolo(path)
    assert counts(report) == {
        'label not valid': 2,
        'box of no area': 1,
        'box outside the image': 1,
        'labels without an image': 1,
        'two images of one name': 1,
        'unreadable image': 1,
        'unreadable annotation file': 1,
    }
    text = str(tmp_path / 'labels/train/1.txt')
    assert report.examples['label not valid'][0].startswith(f'{text}, line 3: 4 numbers')
    assert report.examples['label not valid'][1].startswith(f'{text}, line 4: class 7')
    assert report.examples['box of no area'][0].startswith(f'{text}, line 5: ')
    assert report.examples['labels without an image'] == [str(tmp_path / 'labels/train/2.txt')]


def test_splits_and_folders_of_yolo(tmp_path):
    write_yolo(tmp_path, {'1': BOX, '2': '9 9'}, 'val')
    path = write_yolo(tmp_path, {'3': BOX})
    path.write_text(path.read_text() + 'val: images/val\n')
    assert check_yolo(path).images == 3
    assert check_yolo(path, 'train').faults == 0
    assert check_yolo(path, 'val').faults == 1
    assert check_yolo(tmp_path / 'images/val', classes=('cat',)).faults == 1
    with pytest.raises(UserError, match=r"no split 'test'; it has train, val"):
        check_yolo(path, 'test')
    with pytest.raises(UserError, match='give --classes'):
        check_yolo(tmp_path / 'images/val')


def test_all_faults_of_labelme_are_counted(tmp_path):
    good = labelme_shape('cat', TRIANGLE)
    outside = labelme_shape('cat', [[50, 50], [60, 60]], 'rectangle')
    flat = labelme_shape('dog', [[5, 5], [5, 9]], 'rectangle')
    folder = write_labelme(tmp_path, {'1': [good, outside, flat], **{k: [good] for k in '2345'}})
    shutil.copy(folder / '1.json', folder / '1b.json')
    (folder / '2.jpg').unlink()
    (folder / '3.json').write_text('{"shapes": [')
    content = json.loads((folder / '4.json').read_text())
    (folder / '4.json').write_text(json.dumps({**content, 'imageWidth': 50}))
    (folder / '5.jpg').write_text('no image')
    report = check_labelme(folder, ('cat',))
    assert counts(report) == {
        'two images of one name': 1,
        'box outside the image': 2,
        'box of no area': 2,
        'unknown category': 2,
        'missing image': 1,
        'label not valid': 1,
        'size differs from the image': 1,
        'unreadable image': 1,
    }
    assert 'line 1, column 13' in report.examples['label not valid'][0]
    with pytest.raises(UserError, match='has no LabelMe file'):
        check_labelme(tmp_path / 'none')


def test_command_knows_both(tmp_path, capsys):
    path = write_yolo(tmp_path / 'yolo', {'1': f'{BOX}\n{BOX} 0.9'})
    write_labelme(tmp_path / 'labelme', {'1': [labelme_shape('cat', TRIANGLE)]})
    assert main([str(path)]) == 1
    assert 'line 2: 6 numbers' in capsys.readouterr().out
    assert main([str(path.parent)]) == 1
    assert main([str(tmp_path / 'yolo/images/train'), '--classes', str(path)]) == 1
    assert main([str(tmp_path / 'labelme')]) == 0
    assert main([str(tmp_path / 'labelme'), '--classes', 'dog']) == 1
    capsys.readouterr()
    with pytest.raises(UserError, match=r'no\.yaml does not exist'):
        main([str(tmp_path / 'no.yaml')])
