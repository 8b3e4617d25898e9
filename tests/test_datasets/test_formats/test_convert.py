"""Between COCO, VOC, YOLO and LabelMe: by hand, there and back, and what gets lost is counted."""

import json
import xml.etree.ElementTree as ET
from itertools import permutations

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image
from pycocotools import mask as mask_utils

from mmvisx.datasets.formats import yolo as yolo_format
from mmvisx.datasets.formats.convert import convert
from mmvisx.datasets.formats.records import FORMATS
from mmvisx.utils import UserError
from tests.helpers.datasets import (
    coco_content,
    labelme_shape,
    noise_image,
    voc_xml,
    write_coco,
    write_labelme,
    write_voc,
    write_yolo,
)
from tests.helpers.format_oracles import ORACLES, largest_difference

PARTS = [[4, 5, 9, 5, 9, 10], [20, 12, 30, 12, 30, 20.5, 20, 20.5]]


@pytest.fixture
def source(tmp_path):
    """COCO's: names out of order, a box, a polygon, one of two parts, a mask, a crowd."""
    mask = np.zeros((30, 40), np.uint8)
    mask[5:15, 10:20] = 1
    mask[8:10, 12:14] = 0
    rle = mask_utils.encode(np.asfortranarray(mask))
    rle['counts'] = rle['counts'].decode()
    crowd = dict(size=[30, 40], counts=[600, 90, 510])
    shapes = [
        (3, 7, [1.25, 2.5, 10.5, 8.25], None, 0),
        (3, 2, [4, 5, 26, 15.5], PARTS, 0),
        (3, 2, [10, 5, 10, 10], rle, 0),
        (3, 7, [20, 0, 3, 30], crowd, 1),
        (8, 7, [30.5, 20, 9.5, 10], [[30.5, 20, 40, 20, 40, 30, 30.5, 30]], 0),
    ]
    annotations = []
    for number, (image, category, box, shape, is_crowd) in enumerate(shapes, 5):
        item = dict(id=number, image_id=image, category_id=category, bbox=box, iscrowd=is_crowd)
        item['area'] = box[2] * box[3]
        annotations.append(dict(item, segmentation=shape) if shape else item)
    annotations[0]['keypoints'] = [1, 1, 2]
    root = tmp_path / 'coco'
    for split, ids in (('train2017', (3, 8)), ('val2017', (9,))):
        (root / split).mkdir(parents=True)
        images = []
        for image in ids:
            name = f'{20 - image}.jpg'  # the order of the ids is not that of the names
            cv2.imwrite(str(root / split / name), noise_image())
            images.append(dict(id=image, file_name=name, width=40, height=30))
        content = dict(
            images=images,
            annotations=[a for a in annotations if a['image_id'] in ids],
            categories=[dict(id=7, name='ape'), dict(id=2, name='zebra'), dict(id=9, name='cow')],
        )
        path = root / 'annotations' / f'instances_{split}.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return root


ZEBRAS = [('zebra', [4, 5, 30, 20.5]), ('zebra', [10, 5, 20, 15])]
TRUTH = [
    ('17', [('ape', [1.25, 2.5, 11.75, 10.75]), *ZEBRAS]),
    ('12', [('ape', [30.5, 20, 40, 30])]),
]
SPLIT = {'coco': 'train2017', 'voc': 'train2017', 'yolo': 'train', 'labelme': 'train2017'}


def files(root):
    return {p.relative_to(root).as_posix() for p in root.rglob('*') if p.is_file()}


def test_to_yolo_by_hand(source, tmp_path):
    content = convert(source, tmp_path / 'out', 'yolo')
    root = tmp_path / 'out'
    assert files(root) == {
        'data.yaml',
        'train.txt',  # 17 before 12
        *(f'images/{name}.jpg' for name in ('train/17', 'train/12', 'val/11')),
        *(f'labels/{name}.txt' for name in ('train/17', 'train/12', 'val/11')),
    }
    names = {0: 'zebra', 1: 'ape', 2: 'cow'}  # in the order of the ids
    data = yaml.safe_load((root / 'data.yaml').read_text())
    assert data == dict(train='train.txt', val='images/val', names=names)
    assert (root / 'train.txt').read_text() == './images/train/17.jpg\n./images/train/12.jpg\n'
    lines = (root / 'labels/train/17.txt').read_text().splitlines()
    # Centre (6.5, 6.625), size (10.5, 8.25), of 40 x 30.
    assert lines[0].split()[0] == '1'
    assert [float(v) for v in lines[0].split()[1:]] == pytest.approx(
        [6.5 / 40, 6.625 / 30, 10.5 / 40, 8.25 / 30]
    )
    assert len(lines) == 3
    assert (root / 'labels/val/11.txt').read_text() == ''
    assert content.lost['crowds, left out'] == 1
    assert content.lost['RLE masks, now outlines'] == 1
    assert content.lost['holes of masks, now filled'] == 1
    assert content.lost['objects of several parts, now joined by a line'] == 1
    assert content.lost["annotations with 'keypoints'"] == 1
    assert content.lost['ids of annotations'] == 5


def test_to_voc_by_hand(source, tmp_path):
    content = convert(source, tmp_path / 'out', 'voc')
    year = tmp_path / 'out/VOCdevkit/VOC2012'
    assert (year / 'ImageSets/Main/train2017.txt').read_text() == '17\n12\n'
    tree = ET.parse(year / 'Annotations/17.xml')
    boxes = [[int(e.text) for e in box] for box in tree.iter('bndbox')]
    # Pixels count from 1: those of (1.25, 2.5) to (11.75, 10.75) are 2 to 12 and 4 to 11.
    assert boxes == [[2, 4, 12, 11], [5, 6, 30, 21], [11, 6, 20, 15], [21, 1, 23, 30]]
    assert [e.text for e in tree.iter('difficult')] == ['0', '0', '0', '1']
    assert (tree.findtext('size/width'), tree.findtext('size/height')) == ('40', '30')
    assert content.lost['outlines, now boxes'] == 3
    assert content.lost['crowds, now difficult objects'] == 1
    assert (year / 'classes.txt').read_text() == 'zebra\nape\ncow\n'


def test_to_labelme_by_hand(source, tmp_path):
    content = convert(source, tmp_path / 'out', 'labelme')
    data = json.loads((tmp_path / 'out/train2017/17.json').read_text())
    shapes = [(s['label'], s['shape_type'], s['group_id'], s['points']) for s in data['shapes']]
    assert shapes[0] == ('ape', 'rectangle', None, [[1.25, 2.5], [11.75, 10.75]])
    assert shapes[1] == ('zebra', 'polygon', 2, [[4, 5], [9, 5], [9, 10]])
    assert shapes[2][:3] == ('zebra', 'polygon', 2)
    assert shapes[3][:3] == ('zebra', 'polygon', None)
    assert (data['imagePath'], data['imageData']) == ('17.jpg', None)
    assert content.lost['orders of images, now that of their names'] == 1


@pytest.mark.parametrize(('first', 'second'), permutations(FORMATS, 2))
def test_all_pairs(source, tmp_path, first, second):
    middle = source
    if first != 'coco':
        middle = tmp_path / 'first'
        convert(source, middle, first)
    content = convert(middle, tmp_path / 'second', second)
    # An own name of a split lasts until YOLO, which has train and val only.
    split = 'train' if 'yolo' in (first, second) else 'train2017'
    found = ORACLES[second](tmp_path / 'second', split)
    truth = [(s, [*o]) for s, o in TRUTH]
    if 'voc' in (first, second) and first in ('coco', 'voc'):
        truth[0][1].append(('ape', [20, 0, 23, 30]))  # the crowd
    if 'labelme' in (first, second):
        truth, found = sorted(truth), sorted(found)
    assert largest_difference(found, truth) <= (1 if 'voc' in (first, second) else 0.01)
    assert content.classes == ['zebra', 'ape', 'cow']
    assert len(content.splits) == 2
    images = list((tmp_path / 'second').rglob('17.jpg'))
    assert images[0].read_bytes() == (source / 'train2017/17.jpg').read_bytes()
    assert not images[0].is_symlink()


@pytest.mark.parametrize(('way', 'most'), [('yolo', 0.5), ('voc', 1), ('labelme', 0.5)])
def test_there_and_back(source, tmp_path, way, most):
    convert(source, tmp_path / 'way', way)
    convert(tmp_path / 'way', tmp_path / 'back', 'coco')
    split = SPLIT[way] if way == 'yolo' else 'train2017'
    found = ORACLES['coco'](tmp_path / 'back', split)
    truth = [(s, [*o]) for s, o in TRUTH]
    if way == 'voc':
        truth[0][1].append(('ape', [20, 0, 23, 30]))
    if way == 'labelme':
        truth = sorted(truth)
    assert largest_difference(found, truth) <= most
    path = tmp_path / f'back/annotations/instances_{split}.json'
    categories = json.loads(path.read_text())['categories']
    assert [c['name'] for c in categories] == ['zebra', 'ape', 'cow']


def test_masks_there_and_back(source, tmp_path):
    """Polygons of YOLO and LabelMe draw what those of COCO drew."""
    before = mask_utils.decode(mask_utils.merge(mask_utils.frPyObjects(PARTS, 30, 40)))
    for way in ('yolo', 'labelme'):
        convert(source, tmp_path / way, way)
        convert(tmp_path / way, tmp_path / f'{way}_back', 'coco')
        split = 'train' if way == 'yolo' else 'train2017'
        path = tmp_path / f'{way}_back/annotations/instances_{split}.json'
        data = json.loads(path.read_text())
        (item,) = (a for a in data['annotations'] if a['bbox'] == [4, 5, 26, 15.5])
        rles = mask_utils.frPyObjects(item['segmentation'], 30, 40)
        after = mask_utils.decode(mask_utils.merge(rles))
        assert (before != after).sum() <= 2
        assert item['area'] == pytest.approx(12.5 + 85, abs=0.01)
        (box,) = (a for a in data['annotations'] if a['bbox'][0] == 1.25)
        assert 'segmentation' not in box


def test_difficult_and_truncated(tmp_path):
    xml = voc_xml([('cat', (5, 6, 14, 15)), ('dog', (1, 1, 40, 30))], 'a')
    xml = xml.replace('<difficult>0', '<truncated>1</truncated><difficult>1', 1)
    write_voc(tmp_path / 'in', {'a': xml})
    for to in ('coco', 'yolo', 'labelme'):
        content = convert(tmp_path / 'in', tmp_path / to, to)
        assert content.lost["objects marked 'difficult', now ordinary ones"] == 1
        assert content.lost["objects marked 'truncated'"] == 1
    assert ORACLES['coco'](tmp_path / 'coco', 'train') == [
        ('a', [('cat', [4, 5, 14, 15]), ('dog', [0, 0, 40, 30])])
    ]
    assert content.classes[:2] == ['aeroplane', 'bicycle']  # VOC's own, which have cat and dog


def test_classes_of_voc_that_are_not_its_own(tmp_path):
    write_voc(tmp_path / 'in', {'a': voc_xml([('zebra', (5, 6, 14, 15)), ('ape', (1, 1, 9, 9))])})
    assert convert(tmp_path / 'in', tmp_path / 'out', 'yolo').classes == ['ape', 'zebra']


def test_shapes_that_only_labelme_has(tmp_path):
    shapes = [
        labelme_shape('cat', [[20, 15], [25, 15]], 'circle'),
        labelme_shape('cat', [[1, 1], [2, 2]], 'line'),
        labelme_shape('cat', [[1, 1], [5, 1], [5, 6]], flags={'wet': True}),
    ]
    write_labelme(tmp_path / 'in', {'1': shapes})
    content = convert(tmp_path / 'in', tmp_path / 'out', 'coco')
    assert content.lost["shapes of type 'line', left out"] == 1
    assert content.lost['objects with circle'] == 1
    assert content.lost['objects with flag wet'] == 1
    ((_, objects),) = ORACLES['coco'](tmp_path / 'out', 'train')
    assert objects[0][1] == pytest.approx([15, 10, 25, 20], abs=1e-3)


def test_splits_of_folders_without_yaml(tmp_path):
    write_yolo(tmp_path / 'in', {'1': '1 0.5 0.5 0.5 0.5'})
    write_yolo(tmp_path / 'in', {'2': '0 0.5 0.5 0.5 0.5'}, 'val')
    (tmp_path / 'in/data.yaml').unlink()
    with pytest.raises(UserError, match=r'no data\.yaml and no classes\.txt: give --classes'):
        convert(tmp_path / 'in', tmp_path / 'out', 'coco')
    content = convert(tmp_path / 'in', tmp_path / 'out', 'coco', classes=('cat', 'dog'))
    assert {k: len(v) for k, v in content.splits.items()} == {'train': 1, 'val': 1}
    assert ORACLES['coco'](tmp_path / 'out', 'train') == [('1', [('dog', [10, 7.5, 30, 22.5])])]


def test_one_file_and_chosen_splits(source, tmp_path):
    one = convert(source / 'annotations/instances_val2017.json', tmp_path / 'one', 'voc')
    assert list(one.splits) == ['val2017']
    chosen = convert(source, tmp_path / 'chosen', 'voc', splits=['val2017'])
    assert files(tmp_path / 'chosen') == files(tmp_path / 'one')
    with pytest.raises(UserError, match=r'no split or image test \(splits: none\)'):
        convert(source, tmp_path / 'none', 'voc', splits=['test'])
    assert list(chosen.splits) == ['val2017']


def test_images_elsewhere(tmp_path):
    path = write_coco(tmp_path / 'in', coco_content())
    (tmp_path / 'far/away').mkdir(parents=True)
    (tmp_path / 'in/img').rename(tmp_path / 'far/away/photographs')
    with pytest.raises(UserError, match=r'first image, 1\.jpg, is not in .*give --images'):
        convert(path, tmp_path / 'out', 'yolo')
    convert(path, tmp_path / 'out', 'yolo', images=tmp_path / 'far/away/photographs')
    assert (tmp_path / 'out/images').is_dir()


def test_links(source, tmp_path):
    convert(source, tmp_path / 'out', 'labelme', link=True)
    image = tmp_path / 'out/train2017/17.jpg'
    assert image.is_symlink()
    assert image.resolve() == (source / 'train2017/17.jpg').resolve()


def test_same_names_in_two_splits_of_voc(tmp_path):
    write_yolo(tmp_path / 'in', {'1': '', '2': ''})
    path = write_yolo(tmp_path / 'in', {'1': '0 0.5 0.5 0.5 0.5'}, 'val')
    path.write_text('train: images/train\nval: images/val\nnames: [cat]\n')
    content = convert(path, tmp_path / 'out', 'voc')
    year = tmp_path / 'out/VOCdevkit/VOC2012'
    assert files(year / 'JPEGImages') == {'train_1.jpg', '2.jpg', 'val_1.jpg'}
    assert (year / 'ImageSets/Main/val.txt').read_text() == 'val_1\n'
    assert content.lost['names of images, which others have, too'] == 2


def test_names_that_lead_out_are_refused(tmp_path, monkeypatch):
    root = tmp_path / 'a/b/in'
    content = coco_content(1)
    path = write_coco(root, content)
    (tmp_path / 'a/b/evil.jpg').write_bytes((root / 'img/1.jpg').read_bytes())
    content['images'][0]['file_name'] = '../evil.jpg'
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'ann\.json names 1 files outside.*--allow-outside'):
        convert(path, tmp_path / 'out', 'labelme')
    assert not (tmp_path / 'out').exists()
    monkeypatch.setenv('MMVISX_ALLOW_OUTSIDE', '1')
    convert(path, tmp_path / 'out', 'labelme')
    assert {p for p in files(tmp_path / 'out') if p.endswith('jpg')} == {'ann/evil.jpg'}


def lead_out_of_voc(root):
    write_voc(root, {'a': voc_xml([('cat', (5, 6, 14, 15))], 'a')})
    year = next(root.rglob('Annotations')).parent
    (year / 'ImageSets/Main').mkdir(parents=True, exist_ok=True)
    (year / 'ImageSets/Main/train.txt').write_text('a\n../../../evil\n')


def lead_out_of_yolo(root):
    write_yolo(root, {'1': '0 0.5 0.5 0.5 0.5'})
    (root / 'train.txt').write_text('images/train/1.jpg\n../evil.jpg\n')
    (root / 'data.yaml').write_text('train: train.txt\nnames: [cat]\n')


def lead_out_of_labelme(root):
    write_labelme(root, {'1': [labelme_shape('cat', [[4, 5], [14, 5], [14, 13]])]})
    content = json.loads((root / '1.json').read_text())
    (root / '1.json').write_text(json.dumps(dict(content, imagePath='../evil.jpg')))


@pytest.mark.parametrize('spoil', [lead_out_of_voc, lead_out_of_yolo, lead_out_of_labelme])
def test_no_format_leads_out(tmp_path, spoil):
    cv2.imwrite(str(tmp_path / 'evil.jpg'), noise_image())
    (tmp_path / 'evil.xml').write_text(voc_xml([], 'evil'))
    spoil(tmp_path / 'in')
    with pytest.raises(UserError, match=r'names 1 files outside of .*evil'):
        convert(tmp_path / 'in', tmp_path / 'out', 'coco')


def test_one_of_two_data_yaml_has_to_be_given(tmp_path):
    path = write_yolo(tmp_path / 'in', {'1': '0 0.5 0.5 0.5 0.5'})
    path.with_name('other.yaml').write_text(path.read_text().replace('cat', 'bird'))
    with pytest.raises(UserError, match=r'in has data\.yaml and other\.yaml: give one of them'):
        convert(tmp_path / 'in', tmp_path / 'out', 'coco')
    assert 'bird' in convert(path.with_name('other.yaml'), tmp_path / 'out', 'coco').classes


def test_turned_photograph(tmp_path):
    """Relative to the picture as it is loaded; labels of the unturned one are a fault."""
    content = coco_content(1)
    path = write_coco(tmp_path / 'in', content)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise_image()).save(tmp_path / 'in/img/1.jpg', exif=exif)
    with pytest.raises(UserError, match=r'ann\.json: image .*1\.jpg: .*EXIF data turn it'):
        convert(path, tmp_path / 'out', 'yolo')
    content['images'][0].update(width=30, height=40)
    path.write_text(json.dumps(content))
    convert(path, tmp_path / 'out', 'yolo')
    line = (tmp_path / 'out/labels/train/1.txt').read_text().splitlines()[0].split()
    assert max(float(v) for v in line[1::2]) == pytest.approx(14 / 30, abs=1e-6)


def test_target_that_is_not_empty(source, tmp_path):
    target = tmp_path / 'out'
    target.mkdir()
    convert(source, target, 'yolo')  # empty: fine
    before = files(target)
    with pytest.raises(UserError, match=r'out is not empty: nothing is overwritten'):
        convert(source, target, 'voc')
    assert files(target) == before


def test_nothing_is_left_of_a_conversion_that_fails(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError('No space left on device')

    monkeypatch.setattr(yolo_format, '_lines', full)
    with pytest.raises(OSError, match='No space'):
        convert(source, tmp_path / 'new/out', 'yolo')
    assert files(tmp_path / 'new') == set()
    assert not (tmp_path / 'new/out').exists()


def test_formats_that_are_not_known(source, tmp_path):
    for wrong, near in (('yollo', 'yolo'), ('COC', 'coco'), ('label-me', 'labelme')):
        with pytest.raises(UserError, match=rf"'{wrong}' is not known \(did you mean {near}"):
            convert(source, tmp_path / 'out', wrong)
    with pytest.raises(UserError, match=r"'x' is not known: it is one of coco, voc, yolo, labelme"):
        convert(source, tmp_path / 'out', 'yolo', kind='x')
    with pytest.raises(UserError, match=r'is coco already'):
        convert(source, tmp_path / 'out', 'COCO')
    with pytest.raises(UserError, match=r'does not look like voc; it has annotations/, train2017/'):
        convert(source, tmp_path / 'out', 'yolo', kind='voc')


def test_sources_that_are_none(source, tmp_path):
    with pytest.raises(UserError, match=r'nowhere does not exist'):
        convert(tmp_path / 'nowhere', tmp_path / 'out', 'yolo')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match=r'no known format.*nothing in it.*--from'):
        convert(tmp_path / 'empty', tmp_path / 'out', 'yolo')
    write_yolo(source, {})
    with pytest.raises(UserError, match=r'looks like coco and yolo; it has annotations/.*--from'):
        convert(source, tmp_path / 'out', 'voc')
    assert convert(source, tmp_path / 'out', 'voc', kind='coco').classes[0] == 'zebra'


def edit(**values):
    return lambda content: content['annotations'][0].update(values)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (edit(bbox=[1, 2, 3]), r'annotation 1: bbox .* four finite numbers'),
        (edit(bbox=[1, 2, 3, float('nan')]), r'annotation 1: bbox .* four finite numbers'),
        (edit(image_id=99), r'annotation 1: there is no image 99'),
        (edit(category_id=99), r'annotation 1: there is no category 99'),
        (edit(segmentation=[[1, 2, 3, 4]]), r'annotation 1: a polygon .* 3 or more points'),
        (edit(segmentation=['text']), r'annotation 1: a polygon'),
        (edit(segmentation=[[1, 2, 3, 4, 5, float('inf')]]), r'annotation 1: a polygon'),
        (edit(segmentation={'size': [3, 3], 'counts': 'x'}), r'annotation 1: .* no mask: the size'),
        (edit(segmentation={'size': [30, 40], 'counts': [-5, 9]}), r'annotation 1: .* no mask'),
        (edit(segmentation={'size': [30, 40]}), r'annotation 1: .* no mask'),
        (lambda c: c['images'].append(c['images'][0]), r"id 1 occurs twice in 'images'"),
        (lambda c: c['images'][1].update(file_name='no.jpg'), r'there is no image .*no\.jpg'),
    ],
)
def test_faulty_coco(tmp_path, change, message):
    content = coco_content()
    path = write_coco(tmp_path / 'in', content)
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf'ann\.json.*{message}'):
        convert(path, tmp_path / 'out', 'yolo')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (('<xmin>5</xmin>', ''), r'a\.xml is no VOC annotation: an object has no bndbox'),
        (('<xmin>5</xmin>', '<xmin>five</xmin>'), r'a\.xml is no VOC annotation'),
        (('<name>cat</name>', ''), r'a\.xml is no VOC annotation: an object has no name'),
        (('</annotation>', ''), r'a\.xml is no VOC annotation'),
        (('<width>40', '<width>30'), r'a\.xml: image .*a\.jpg: annotated 30x30, is 40x30'),
    ],
)
def test_faulty_voc(tmp_path, change, message):
    write_voc(tmp_path / 'in', {'a': voc_xml([('cat', (5, 6, 14, 15))], 'a').replace(*change)})
    with pytest.raises(UserError, match=message):
        convert(tmp_path / 'in', tmp_path / 'out', 'yolo')


def test_two_images_of_one_name(tmp_path):
    content = coco_content()
    content['images'][1]['file_name'] = '1.png'
    path = write_coco(tmp_path / 'in', content)
    for to in ('yolo', 'voc', 'labelme'):
        with pytest.raises(UserError, match=r'1\.jpg and 1\.png have the same'):
            convert(path, tmp_path / 'out', to)


def test_splits_that_yolo_cannot_tell(source, tmp_path):
    path = source / 'annotations/instances_val2017.json'
    path.rename(path.with_name('instances_train2014.json'))
    with pytest.raises(UserError, match=r"would be 'train' more than once.*--splits"):
        convert(source, tmp_path / 'out', 'yolo')
    path.with_name('instances_train2014.json').rename(path.with_name('instances_extra.json'))
    with pytest.raises(UserError, match=r"split 'extra': YOLO has train, val, test"):
        convert(source, tmp_path / 'out', 'yolo')


def test_what_lies_outside_is_left_out_or_cut(tmp_path):
    content = coco_content(1)
    content['annotations'][0].update(bbox=[50, 5, 10, 8], segmentation=[])
    content['annotations'][1].update(bbox=[35, 5, 10, 8], segmentation=[])
    path = write_coco(tmp_path / 'in', content)
    lost = convert(path, tmp_path / 'yolo', 'yolo').lost
    assert lost['objects without an area in their image, left out'] == 1
    assert lost['boxes that reached out of their image, now cut'] == 1
    ((_, objects),) = ORACLES['yolo'](tmp_path / 'yolo', 'train')
    assert objects[0][1] == pytest.approx([35, 5, 40, 13], abs=1e-4)
