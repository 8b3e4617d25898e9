"""Photographs of COCO, VOC and fruits_nuts through all formats, and back."""

import json
from itertools import permutations

import pytest

from mmvisx.datasets import CocoDataset, LabelMeDataset, YoloDataset
from mmvisx.datasets.formats.convert import convert
from tests.helpers.format_oracles import ORACLES, coco_boxes, largest_difference, voc_boxes

pytestmark = pytest.mark.realdata
SOURCES = {
    'coco128': ('coco', ('train96', 'val32')),
    'voc2012_det100': ('voc', ('train', 'val')),
    'fruits_nuts': ('coco', ('trainval',)),
}
OBJECTS = {'coco128': 939, 'voc2012_det100': 273, 'fruits_nuts': 165}
CROWDS = {'coco128': 10, 'voc2012_det100': 0, 'fruits_nuts': 0}


@pytest.fixture(scope='module')
def made(realdata, tmp_path_factory):
    """``made(name, *ways)`` is the folder of a data set that went all these ways."""
    folders = {}

    def make(name, *ways):
        if ways not in folders.setdefault(name, {}):
            kind, splits = SOURCES[name]
            source = make(name, *ways[:-1]) if len(ways) > 1 else realdata / name
            target = tmp_path_factory.mktemp('made') / '_'.join(ways)
            if len(ways) == 1 and ways[0] == kind:
                return source
            convert(source, target, ways[-1], splits=splits if source == realdata / name else ())
            folders[name][ways] = target
        return folders[name][ways]

    return make


def truth(realdata, made, name):
    """Boxes of the first split as they are, whatever the format."""
    kind, splits = SOURCES[name]
    if kind == 'voc':
        return voc_boxes(realdata / name, splits[0])
    path = next((realdata / name).rglob(f'*{splits[0]}.json'))
    data = json.loads(path.read_text())
    names = {c['id']: c['name'] for c in data['categories']}
    found = []
    for image in sorted(data['images'], key=lambda item: item['id']):
        items = [a for a in data['annotations'] if a['image_id'] == image['id']]
        boxes = [(names[a['category_id']], a['bbox']) for a in items if not a['iscrowd']]
        objects = [(n, [x, y, x + w, y + h]) for n, (x, y, w, h) in boxes]
        found.append((image['file_name'].rpartition('.')[0], objects))
    return found


@pytest.mark.parametrize(
    ('name', 'way'), [(name, way) for name in SOURCES for way in ORACLES if way != SOURCES[name][0]]
)
def test_boxes_after_all_ways(realdata, made, name, way):
    """Half a pixel, a pixel where VOC is on the way; images and objects in their order."""
    kind, splits = SOURCES[name]
    split = 'train' if way == 'yolo' else splits[0]
    expected = truth(realdata, made, name)
    found = ORACLES[way](made(name, way), split)
    if way == 'voc' and name == 'coco128':
        found = without_crowds(found, expected)
    assert sum(len(objects) for _, objects in expected) > 100
    assert largest_difference(found, expected) <= (1 if 'voc' in (kind, way) else 0.5)


def without_crowds(found, expected):
    """Crowds are difficult objects of VOC: take away what is too much, which is not in COCO."""
    kept = []
    for (stem, objects), (_, others) in zip(found, expected, strict=True):
        rest = list(others)
        near = []
        for name, box in objects:
            if (
                rest
                and name == rest[0][0]
                and max(abs(a - b) for a, b in zip(box, rest[0][1], strict=True)) <= 1
            ):
                near.append((name, box))
                rest.pop(0)
        kept.append((stem, near))
    return kept


@pytest.mark.parametrize('name', ['coco128', 'fruits_nuts'])
@pytest.mark.parametrize(('way', 'most'), [('yolo', 0.5), ('voc', 1), ('labelme', 0.5)])
def test_there_and_back(realdata, made, name, way, most):
    split = 'train' if way == 'yolo' else SOURCES[name][1][0]
    found = coco_boxes(made(name, way, 'coco'), split)
    expected = truth(realdata, made, name)
    if way == 'voc' and name == 'coco128':
        found = without_crowds(found, expected)
    difference = largest_difference(found, expected)
    print(f'{name} coco -> {way} -> coco: {difference:.4f} px')
    assert difference <= most


@pytest.mark.parametrize('name', SOURCES)
def test_all_pairs_keep_every_object(made, name):
    """A second conversion of what the first one wrote."""
    kind = SOURCES[name][0]
    for first, second in permutations(ORACLES, 2):
        ways = (second,) if first == kind else (first, second)
        if second == kind and first == kind:
            continue
        target = made(name, *ways)
        count = 0
        for split in ('train', 'val', 'train96', 'val32', 'trainval'):
            try:
                count += sum(len(objects) for _, objects in ORACLES[second](target, split))
            except (FileNotFoundError, KeyError):
                continue
        lost = CROWDS[name] if ways[0] in ('yolo', 'labelme') else 0  # VOC keeps them
        assert count == OBJECTS[name] - lost, (first, second)


def boxes(dataset):
    classes = dataset.metainfo['classes']
    return {
        info['img_path'].rpartition('/')[2]: [
            (classes[o['bbox_label']], [round(v, 1) for v in o['bbox']], 'mask' in o)
            for o in info['instances']
            if not o['ignore_flag']
        ]
        for info in dataset
    }


def test_data_sets_read_the_same(realdata, made):
    """COCO, and YOLO and LabelMe of the same photographs, without conversion at training."""
    coco = boxes(
        CocoDataset(
            ann_file='annotations/instances_train96.json',
            data_root=str(realdata / 'coco128'),
            data_prefix=dict(img='train2017'),
        )
    )
    yolo = YoloDataset('data.yaml', data_root=str(made('coco128', 'yolo')))
    assert len(coco) == 96
    for found in (
        boxes(yolo),
        boxes(LabelMeDataset(data_prefix=dict(img=str(made('coco128', 'labelme') / 'train96')))),
    ):
        assert found.keys() == coco.keys()
        for name, objects in coco.items():
            assert [o[0] for o in found[name]] == [o[0] for o in objects]
            for (_, box, mask), (_, other, had) in zip(found[name], objects, strict=True):
                assert mask == had
                assert max(abs(a - b) for a, b in zip(box, other, strict=True)) <= 0.5
    assert yolo.metainfo['classes'] == CocoDataset.METAINFO['classes']
