import copy

import cv2
import numpy as np
import pytest
from PIL import Image

from mmvisx.datasets.detection.checks import CHECKS, check_coco, check_voc, parse_classes
from mmvisx.utils import UserError
from tests.helpers.datasets import (
    CLASSES,
    coco_content,
    noise_image,
    voc_xml,
    write_coco,
    write_voc,
)

GOOD = ('cat', (5, 5, 15, 15))


def found(report):
    return {check: count for check, count in report.counts.items() if count}


def check(root, content=None, stuff=False, **kwargs):
    path = root / 'ann.json' if content is None else write_coco(root, content, stuff=stuff)
    return check_coco(path, root / 'img', root / 'stuff' if stuff else None, **kwargs)


def test_good_data_has_no_faults(tmp_path):
    report = check(tmp_path, coco_content(), stuff=True)
    assert (report.images, report.objects, report.faults) == (2, 4, 0)


def change(content, key, index, **values):
    content = copy.deepcopy(content)
    content[key][index].update(values)
    return content


@pytest.mark.parametrize(
    ('key', 'values', 'fault'),
    [
        ('annotations', {'bbox': [30, 5, 20, 8]}, 'box outside the image'),
        ('annotations', {'bbox': [60, 5, 20, 8]}, 'box outside the image'),
        ('annotations', {'bbox': [5, 5, 0, 8]}, 'box of no area'),
        ('annotations', {'bbox': [5, 5, -3, 8]}, 'box of no area'),
        ('annotations', {'bbox': [5, 5, 8]}, 'box not valid'),
        ('annotations', {'bbox': None}, 'box not valid'),
        ('annotations', {'category_id': 9}, 'unknown category'),
        ('annotations', {'id': 2}, 'duplicate id'),
        ('annotations', {'image_id': 9}, 'annotation of an unknown image'),
        ('annotations', {'segmentation': [[1, 1, 5, 5]]}, 'polygon with fewer than 3 points'),
        ('images', {'width': 41}, 'size differs from the image'),
        ('images', {'file_name': '2.jpg'}, 'duplicate file name'),
    ],
)
def test_fault_in_the_json_is_the_only_one_reported(tmp_path, key, values, fault):
    report = check(tmp_path, change(coco_content(), key, 0, **values))
    assert found(report) == {fault: 1}
    assert report.examples[fault][0]


def test_duplicate_image_and_category_ids(tmp_path):
    content = change(coco_content(), 'images', 1, id=1)
    content['annotations'] = content['annotations'][:2]
    assert found(check(tmp_path, content)) == {'duplicate id': 1}
    content = change(coco_content(), 'categories', 1, id=1)
    assert found(check(tmp_path, content))['duplicate id'] == 1


def test_class_list(tmp_path):
    report = check(tmp_path, coco_content(), classes=('cat',))
    assert found(report) == {'unknown category': 2}


def test_image_files(tmp_path):
    path = write_coco(tmp_path, coco_content(4))
    images = tmp_path / 'img'
    (images / '1.jpg').unlink()
    (images / '2.jpg').write_bytes((images / '2.jpg').read_bytes()[:-300])
    (images / '3.jpg').write_bytes(b'')
    cv2.imwrite(str(images / '4.jpg'), noise_image(31, 40))
    report = check_coco(path, images)
    assert found(report) == {
        'missing image': 1,
        'unreadable image': 2,
        'size differs from the image': 1,
    }
    assert '40x31' in report.examples['size differs from the image'][0]


def test_stuff_maps(tmp_path):
    path = write_coco(tmp_path, coco_content(4), stuff=True)
    stuff = tmp_path / 'stuff'
    (stuff / '1.png').unlink()
    (stuff / '2.png').write_bytes(b'nonsense')
    cv2.imwrite(str(stuff / '3.png'), np.zeros((30, 41), np.uint8))
    cv2.imwrite(str(stuff / '4.png'), np.zeros((30, 40, 3), np.uint8))
    assert found(check_coco(path, tmp_path / 'img', stuff)) == {
        'missing stuff map': 1,
        'unreadable stuff map': 2,
        'stuff map of another size': 1,
    }


def test_missing_folder(tmp_path):
    path = write_coco(tmp_path, coco_content())
    with pytest.raises(UserError, match='nowhere does not exist'):
        check_coco(path, tmp_path / 'nowhere')


def test_good_voc(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([GOOD, ('dog', (1, 1, 40, 30))])})
    report = check_voc(tmp_path / 'VOC2012', 'train', CLASSES)
    assert (report.images, report.objects, report.faults) == (1, 2, 0)


@pytest.mark.parametrize(
    ('xml', 'fault'),
    [
        (voc_xml([('cow', (5, 5, 9, 9))]), 'unknown category'),
        (voc_xml([('cat', (5, 5, 60, 9))]), 'box outside the image'),
        (voc_xml([('cat', (9, 5, 8, 9))]), 'box of no area'),
        (voc_xml([GOOD]).replace('<xmin>5</xmin>', ''), 'box not valid'),
        (voc_xml([GOOD]).replace('<width>40', '<width>41'), 'size differs from the image'),
        (voc_xml([GOOD]).replace('<width>40', '<width>forty'), 'unreadable annotation file'),
        (voc_xml([GOOD])[:-5], 'unreadable annotation file'),
    ],
)
def test_voc_faults(tmp_path, xml, fault):
    write_voc(tmp_path, {'1': xml})
    assert found(check_voc(tmp_path / 'VOC2012', None, CLASSES)) == {fault: 1}


def test_voc_files(tmp_path):
    path = write_voc(tmp_path, {'1': voc_xml([GOOD])})
    path.write_text('1\n1\n2\n')
    report = check_voc(tmp_path / 'VOC2012', 'train', CLASSES)
    assert found(report) == {'duplicate id': 1, 'missing image': 1, 'missing annotation file': 1}
    with pytest.raises(UserError, match=r'val\.txt does not exist'):
        check_voc(tmp_path / 'VOC2012', 'val', CLASSES)
    with pytest.raises(UserError, match='no folder Annotations'):
        check_voc(tmp_path, None, CLASSES)


def test_the_report_has_every_fault_and_the_table_the_first(tmp_path):
    content = coco_content(5)
    for image in content['images']:
        image['width'] = 41
    report = check(tmp_path, content)
    examples = report.as_dict()['checks']['size differs from the image']['examples']
    assert [f'{k}.jpg' in examples[k - 1] for k in range(1, 6)] == [True] * 5
    table = report.table()
    assert '3.jpg' in table
    assert '4.jpg' not in table


def test_sizes_are_read_from_the_header(tmp_path, monkeypatch):
    monkeypatch.setattr('mmvisx.datasets.detection.checks.image_fault', lambda data, decode: None)
    monkeypatch.setattr(Image.Image, 'load', None)  # a call would fail
    assert check(tmp_path, coco_content()).faults == 0


def test_table_and_dict_have_every_check(tmp_path):
    report = check(tmp_path, change(coco_content(), 'annotations', 0, bbox=[5, 5, 0, 8]))
    table = report.table()
    assert all(name in table for name in CHECKS)
    assert report.as_dict()['checks']['box of no area'] == {
        'count': 1,
        'examples': ['annotation 1: [5, 5, 0, 8]'],
    }


def test_parse_classes():
    assert parse_classes(' cat, traffic light ,dog,') == ('cat', 'traffic light', 'dog')
