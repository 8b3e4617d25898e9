"""Images and VOC XML files into the VOC layout: sizes, boxes, the split, faults."""

import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest

from mmvisx.cli.datasets.xml_to_voc import CORNERS, convert
from mmvisx.utils import UserError

XML = """<annotation><filename>{name}</filename>
<size><width>{width}</width><height>{height}</height><depth>3</depth></size>
<object><name>thing</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax>
<ymax>{y2}</ymax></bndbox></object></annotation>"""
# Pixels count from 1 and the last one is included: columns 100 to 299, rows 40 to 119.
BOX = dict(x1=101, y1=41, x2=300, y2=120)


@pytest.fixture
def source(tmp_path):
    """Ten images of 400x200 with a white box, and one small one."""
    (tmp_path / 'images').mkdir()
    (tmp_path / 'xml').mkdir()
    for index in range(10):
        image = np.zeros((200, 400, 3), np.uint8)
        image[40:120, 100:300] = 255
        if index == 9:
            image = image[::10, ::10]
        height, width = image.shape[:2]
        cv2.imwrite(str(tmp_path / 'images' / f'{index}.png'), image)
        text = XML.format(name=f'{index}.png', width=width, height=height, **BOX)
        (tmp_path / 'xml' / f'{index}.xml').write_text(text)
    return tmp_path


def names(root, part):
    return (root / 'ImageSets' / 'Main' / f'{part}.txt').read_text().split()


def test_layout(source):
    assert convert(source / 'images', source / 'xml', source / 'out', 3, 0, 100) == 10
    root = source / 'out' / 'VOCdevkit' / 'VOC2012'
    train, val = names(root, 'train'), names(root, 'val')
    assert (len(train), len(val)) == (7, 3)
    assert sorted(train + val) == [str(index) for index in range(10)]
    for index in range(9):
        image = cv2.imread(str(root / 'JPEGImages' / f'{index}.jpg'))
        assert image.shape == (50, 100, 3)
        tree = ET.parse(root / 'Annotations' / f'{index}.xml')
        assert tree.findtext('filename') == f'{index}.jpg'
        assert [int(tree.findtext(f'size/{key}')) for key in ('width', 'height')] == [100, 50]
        # Columns 25 to 74 and rows 10 to 29 of the image, as mmdet reads it: from corner to corner.
        x1, y1, x2, y2 = (int(float(tree.findtext(f'object/bndbox/{key}'))) - 1 for key in CORNERS)
        assert (x1, y1) == (25, 10)
        assert abs(x2 - 75) <= 1
        assert abs(y2 - 30) <= 1
        assert image[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].min() > 200
        assert image[:, : x1 - 2].max() < 60
    assert cv2.imread(str(root / 'JPEGImages' / '9.jpg')).shape == (20, 40, 3)


def test_the_split_follows_from_the_seed(source):
    splits = []
    for number, seed in enumerate((0, 0, 1)):
        out = source / f'out{number}'
        convert(source / 'images', source / 'xml', out, 4, seed, 100)
        splits.append(names(out / 'VOCdevkit' / 'VOC2012', 'val'))
    assert splits[0] == splits[1] != splits[2]


def test_faults(source):
    for val in (0, 10):
        with pytest.raises(UserError, match=rf'--val {val}: .*xml has 10 XML files'):
            convert(source / 'images', source / 'xml', source / 'out', val, 0, 100)
    (source / 'images' / '4.png').write_text('no image')
    with pytest.raises(UserError, match=r'4\.png, which .*4\.xml names, is no image'):
        convert(source / 'images', source / 'xml', source / 'out', 3, 0, 100)


def test_images_outside_of_the_folder(source):
    (source / 'images' / '0.png').rename(source / 'secret.png')
    text = XML.format(name='../secret.png', width=400, height=200, **BOX)
    (source / 'xml' / '0.xml').write_text(text)
    with pytest.raises(UserError, match=r'0\.xml names 1 files outside of .*images'):
        convert(source / 'images', source / 'xml', source / 'out', 3, 0, 100)
