"""Broken COCO files, each beside a whole one that differs from it in the broken place only."""

import json
import math
import re

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvisx.cli.datasets.check_dataset import main as check_dataset
from mmvisx.datasets import CocoDataset
from mmvisx.datasets.detection.coco_masks import run_length_faults
from mmvisx.evaluation import CocoMetric
from mmvisx.utils import UserError
from mmvisx.utils.coco_file import read_coco
from tests.helpers.datasets import CLASSES, coco_content, noise_image, write_coco

PIXELS = 30 * 40
SQUARE = [4, 5, 14, 5, 14, 13, 4, 13]
DISC = np.asfortranarray(
    (np.add.outer(np.arange(30) ** 2, np.arange(40) ** 2) < 200).astype(np.uint8)
)
TEXT = mask_utils.encode(DISC)['counts'].decode()
HUGE = 10**400


def rle(counts, size=(30, 40)):
    return dict(size=list(size), counts=counts)


# Of an annotation: field, broken value, whole value, what is said of it.
ANNOTATION = {
    'coordinate 1e30': (
        'segmentation',
        [[4, 5, 1e30, 5, 14, 13]],
        [[4, 5, 60, 5, 14, 13]],
        '1e.30',
    ),
    'coordinate -1e9': (
        'segmentation',
        [[4, 5, -1e9, 5, 14, 13]],
        [[4, 5, -9, 5, 14, 13]],
        'far outs',
    ),
    'coordinate NaN': ('segmentation', [[4, 5, math.nan, 5, 14, 13]], [SQUARE], 'nan'),
    'coordinate inf': ('segmentation', [[4, 5, math.inf, 5, 14, 13]], [SQUARE], 'inf'),
    'coordinate of 400 digits': (
        'segmentation',
        [[4, 5, HUGE, 5, 14, 13]],
        [SQUARE],
        'far outside',
    ),
    'sum of 400 digits': ('segmentation', [[4.5, 5, HUGE, 5, 14, 13]], [SQUARE], 'numbers'),
    'polygon of texts': ('segmentation', [list(map(str, SQUARE))], [SQUARE], 'list of numbers'),
    'polygon with null': ('segmentation', [[4, 5, None, 5, 14, 13]], [SQUARE], 'list of numbers'),
    'polygon of two points': ('segmentation', [[4, 5, 14, 5]], [SQUARE[:6]], 'at least 3 points'),
    'polygon of 7 numbers': ('segmentation', [SQUARE[:7]], [SQUARE[:6]], 'at least 3 points'),
    'empty polygon': ('segmentation', [[]], [], 'at least 3 points'),
    'one good polygon, one bad': ('segmentation', [SQUARE, [4, 5]], [SQUARE, SQUARE], '3 points'),
    'flat polygon': ('segmentation', SQUARE, [SQUARE], 'list of polygons'),
    'polygon of pairs': (
        'segmentation',
        [[[4, 5], [14, 5], [14, 13], [4, 13], [4, 9], [4, 7]]],
        [SQUARE],
        'list of numbers',
    ),
    'mask as text': ('segmentation', 'abc', None, 'polygons or an RLE'),
    'RLE too short': (
        'segmentation',
        rle([100, 20]),
        rle([100, 20, PIXELS - 120]),
        'for 120 pixels',
    ),
    'RLE of wrong sum': ('segmentation', rle([0, PIXELS + 1]), rle([0, PIXELS]), 'for 1201 pixels'),
    'RLE with a negative count': ('segmentation', rle([PIXELS + 9, -9]), rle([PIXELS]), 'negative'),
    'RLE with a fraction': (
        'segmentation',
        rle([0.5, PIXELS - 0.5]),
        rle([PIXELS]),
        'whole number',
    ),
    'RLE of texts': ('segmentation', rle(['0', str(PIXELS)]), rle([0, PIXELS]), 'whole number'),
    'RLE text cut off': ('segmentation', rle(TEXT[:-4]), rle(TEXT), 'RLE'),
    'RLE text with a foreign letter': ('segmentation', rle(TEXT + '~'), rle(TEXT), 'decoded'),
    'empty RLE text': ('segmentation', rle(''), rle(TEXT), 'decoded'),
    'RLE text of a number without end': ('segmentation', rle('P' * 20), rle(TEXT), 'decoded'),
    'RLE without counts': ('segmentation', dict(size=[30, 40]), rle(TEXT), "no 'counts'"),
    'RLE without size': ('segmentation', dict(counts=TEXT), rle(TEXT), r'size None'),
    'RLE of another size': ('segmentation', rle(TEXT, (40, 30)), rle(TEXT), r'size \[40, 30\]'),
    'box null': ('bbox', None, [4, 5, 10, 8], 'four finite numbers'),
    'box of three': ('bbox', [4, 5, 10], [4, 5, 10, 8], 'four finite numbers'),
    'box with NaN': ('bbox', [4, 5, 10, math.nan], [4, 5, 10, 8], 'four finite numbers'),
    'box of texts': ('bbox', ['4', '5', '10', '8'], [4, 5, 10, 8], 'four finite numbers'),
    'box of 400 digits': ('bbox', [4, 5, 10, HUGE], [4, 5, 10, 8], 'four finite numbers'),
    'crowd as text': ('iscrowd', '0', 0, 'iscrowd'),
    'crowd null': ('iscrowd', None, 1, 'iscrowd'),
    'area as text': ('area', '80', 80, 'area'),
    'area NaN': ('area', math.nan, 80.5, 'area'),
    'id as text': ('id', '1', 9, "'id' of annotations.0. is '1'"),
    'image id as text': ('image_id', '1', 1, "'image_id' of annotations.0. is '1'"),
    'category id null': ('category_id', None, 1, "'category_id' of annotations.0. is None"),
    'id of 400 digits': ('id', HUGE, 2**40, "'id' of annotations.0."),
}
# Of another entry: list, field, broken value, whole value, what is said of it.
OTHER = {
    'image id a fraction': ('images', 'id', 1.5, 1, "'id' of images.0. is 1.5"),
    'width as text': ('images', 'width', '40', 40, "'width' of images.0. is '40'"),
    'height of nothing': ('images', 'height', 0, 30, r'images\[0\].*40x0'),
    'width of 20 digits': ('images', 'width', 10**20, 40, "'width' of images.0."),
    'width of 10 digits': ('images', 'width', 10**9, 40, r'images\[0\].*1000000000x30'),
    'file name a number': ('images', 'file_name', 1, '1.jpg', "'file_name' of images.0. is 1"),
    'name null': ('categories', 'name', None, 'cat', "'name' of categories.0. is None"),
    'two categories of one name': ('categories', 'name', 'dog', 'cat', r"'dog' .ids 1 and 2."),
}  # fmt: skip
CASES = {name: ('annotations', *case) for name, case in ANNOTATION.items()} | OTHER


def load(folder, test_mode=False, **kwargs):
    return CocoDataset(
        ann_file='ann.json', data_root=str(folder), data_prefix=dict(img='img/'),
        metainfo=dict(classes=CLASSES), test_mode=test_mode, **kwargs,
    )  # fmt: skip


def one_line(error, message):
    """The message names the file, its fault, and is no traceback."""
    text = str(error.value)
    assert 'ann.json' in text
    assert '\n' not in text
    assert len(text) < 600
    assert error.match(message)


def use(folder, metric='bbox'):
    """Train, test and evaluate, as far as the annotations are read."""
    load(folder)
    load(folder, test_mode=True)
    return CocoMetric(str(folder / 'ann.json'), metric)


@pytest.mark.parametrize('case', CASES)
def test_a_broken_entry_is_one_line_everywhere(tmp_path, case):
    key, field, bad, good, message = CASES[case]
    args = [str(tmp_path / 'ann.json'), '--images', str(tmp_path / 'img')]
    content = coco_content()
    content[key][0][field] = good
    write_coco(tmp_path, content)
    use(tmp_path)
    assert check_dataset(args) == 0
    content[key][0][field] = bad
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    for read in (
        lambda: load(tmp_path),
        lambda: load(tmp_path, test_mode=True),
        lambda: CocoMetric(str(tmp_path / 'ann.json')),
    ):
        with pytest.raises(UserError) as error:
            read()
        one_line(error, message)
    if field not in ('segmentation', 'bbox', 'iscrowd', 'area') and 'dog' not in message:
        with pytest.raises(UserError) as error:  # nothing else can be checked
            check_dataset(args)
        one_line(error, message)
        return
    report = tmp_path / 'report.json'
    assert check_dataset([*args, '--json', str(report)]) == 1
    checks = json.loads(report.read_text())['checks']
    ((example,),) = (check['examples'] for check in checks.values() if check['count'])
    assert re.search(message, example)
    assert example.startswith('annotation 1 in 1.jpg: ' if key == 'annotations' else 'category')


FILES = {
    'no JSON': (b'{"images": [],\n "annotations": [}', 'line 2, column 18'),
    'empty': (b'', 'no valid JSON'),
    'nested too deeply': (b'[' * 200_000 + b']' * 200_000, 'nested too deeply'),
    'a number of 5000 digits': (b'{"images": [' + b'9' * 5000 + b']}', 'too large'),
    'UTF-16': ('{"images": []}'.encode('utf-16'), 'UTF-8'),
    'Latin-1': (b'{"images": ["\xe9"]}', 'UTF-8'),
    'a list': (b'[]', "no list 'images'"),
    'images null': (b'{"images": null}', "no list 'images'"),
    'entry null': (b'{"images": [null]}', r'images\[0\] lacks id, file_name, height, width'),
    'entry a text': (b'{"images": ["a"]}', r'images\[0\] lacks id'),
}


@pytest.mark.parametrize('case', FILES)
def test_a_file_that_cannot_be_read_is_one_line_everywhere(tmp_path, case):
    content, message = FILES[case]
    (tmp_path / 'img').mkdir()
    path = tmp_path / 'ann.json'
    path.write_bytes(content)
    for read in (
        lambda: load(tmp_path),
        lambda: CocoMetric(str(path)),
        lambda: check_dataset([str(path), '--images', str(tmp_path / 'img')]),
    ):
        with pytest.raises(UserError) as error:
            read()
        one_line(error, message)


def test_a_byte_order_mark_is_read_over(tmp_path):
    path = write_coco(tmp_path, coco_content())
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert sum(len(load(tmp_path).get_data_info(k)['instances']) for k in range(2)) == 4
    use(tmp_path)
    assert check_dataset([str(path), '--images', str(tmp_path / 'img')]) == 0


def test_how_many_faults_there_are_is_said(tmp_path):
    content = coco_content()
    for annotation in content['annotations'][1:]:
        annotation['segmentation'] = [[1, 2]]
    write_coco(tmp_path, content)
    with pytest.raises(UserError, match=r'annotation 2 in 1\.jpg: .*\(2 faults more; .*check_data'):
        load(tmp_path)


@pytest.mark.parametrize('annotations', ['none', 'crowds'])
def test_nothing_to_learn_and_nothing_to_find(tmp_path, capsys, annotations):
    content = coco_content()
    if annotations == 'none':
        content['annotations'] = []
    for annotation in content['annotations']:
        annotation['iscrowd'] = 1
    path = write_coco(tmp_path, content)
    with pytest.raises(UserError) as error:
        load(tmp_path)
    one_line(error, 'no object')
    with pytest.raises(UserError) as error:
        CocoMetric(str(path))
    one_line(error, 'no object to be found')
    assert len(load(tmp_path, test_mode=True)) == 2  # a test whose answers are kept elsewhere
    CocoMetric(str(path), format_only=True, outfile_prefix=str(tmp_path / 'results'))
    assert check_dataset([str(path), '--images', str(tmp_path / 'img')]) == 1
    assert 'no object but crowds' in capsys.readouterr().out


@pytest.mark.parametrize('size', [(6000, 8), (8, 6000)])
@pytest.mark.parametrize('test_mode', [False, True])
def test_an_image_that_a_step_leaves_nothing_of(tmp_path, capsys, size, test_mode):
    content = coco_content()
    content['images'][1].update(width=size[0], height=size[1])
    for annotation in content['annotations']:
        annotation.update(bbox=[1, 1, 6, 6])
    path = write_coco(tmp_path, content)
    cv2.imwrite(str(tmp_path / 'img' / '2.jpg'), noise_image(size[1], size[0]))
    pipeline = [
        dict(type='mmvisx.LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=(320, 320), keep_ratio=True),
    ]
    with pytest.raises(UserError) as error:
        load(tmp_path, test_mode, pipeline=pipeline)
    one_line(error, rf'2\.jpg has {size[0]}x{size[1]} pixels.*scale=\(320, 320\)')
    pipeline[1]['scale'] = (1333, 800)
    image = load(tmp_path, test_mode, pipeline=pipeline)[1]['img']
    assert sorted(image.shape) == [2, 3, 1333]
    assert check_dataset([str(path), '--images', str(tmp_path / 'img')]) == 1
    assert '100 times' in capsys.readouterr().out


def test_images_are_tried_before_the_first_iteration(tmp_path):
    write_coco(tmp_path, coco_content(40))
    pipeline = [dict(type='mmvisx.LoadImageFromFile')]
    load(tmp_path, pipeline=pipeline)
    for k in range(20, 30):
        (tmp_path / 'img' / f'{k}.jpg').unlink()
    for test_mode in (False, True):
        with pytest.raises(UserError, match=r'img/2\d\.jpg does not exist'):
            load(tmp_path, test_mode, pipeline=pipeline)
    load(tmp_path, pipeline=[dict(type='mmvisx.LoadImageFromFile', ignore_empty=True)])


def test_the_metric_reads_nothing_that_the_data_set_has_read(tmp_path, monkeypatch):
    content = coco_content()
    for annotation in content['annotations']:
        del annotation['iscrowd'], annotation['area']  # the evaluation needs both
    path = write_coco(tmp_path, content)
    load(tmp_path)
    load(tmp_path, test_mode=True)
    read = []
    monkeypatch.setattr(
        'mmvisx.datasets.detection.coco_faults.read_coco', lambda p: read.append(p) or read_coco(p)
    )
    metric = CocoMetric(str(path), ['bbox', 'segm'])
    assert not read
    assert [a['area'] for a in metric._coco_api.anns.values()] == [80] * 4
    assert [a['iscrowd'] for a in metric._coco_api.anns.values()] == [0] * 4
    load(tmp_path, test_mode=True)
    path.write_text(json.dumps(content | {'annotations': content['annotations'][:1]}))
    assert len(CocoMetric(str(path))._coco_api.anns) == 1  # the file has changed
    assert len(read) == 2


def slow_counts(text):
    """Numbers of a compressed RLE, character by character as in pycocotools' maskApi.c."""
    counts, place = [], 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            code = ord(text[place]) - 48
            value |= (code & 31) << shift
            more = bool(code & 32)
            place, shift = place + 1, shift + 5
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


def test_run_lengths_are_those_of_pycocotools():
    random = np.random.default_rng(0)
    texts, sizes = [], []
    for share in np.linspace(0, 1, 60):
        height, width = random.integers(1, 90, 2)
        mask = np.asfortranarray(random.random((height, width)) < share**2).astype(np.uint8)
        texts.append(mask_utils.encode(np.asfortranarray(mask))['counts'].decode())
        sizes.append(int(height * width))
        assert sum(slow_counts(texts[-1])) == sizes[-1]
    assert run_length_faults(texts, sizes) == [None] * 60
    more = run_length_faults(texts, [size + 1 for size in sizes])
    assert more == [f'its RLE is for {s} pixels, the image has {s + 1}' for s in sizes]
    for k in range(0, 60, 3):  # one broken among whole ones
        broken = [*texts[:k], texts[k] + 'P', *texts[k + 1 :]]
        found = run_length_faults(broken, sizes)
        assert [i for i, fault in enumerate(found) if fault] == [k]


def test_negative_run_lengths_are_found():
    text = '3O3'  # 3, -1, 3: the letter O is 31, of which the bit of 16 is the sign
    assert slow_counts(text) == [3, -1, 3]
    assert run_length_faults([text, '32'], [5, 5]) == ['its RLE has a negative count, -1', None]
