import json
import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from mmvisx.datasets.shapes.render import SHAPES_CLASSES, Instance
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes, segmentation
from mmvisx.utils import UserError

CONFIG = ShapesConfig(train=8, val=3, size=96)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp('shapes') / 'out'
    assert make_shapes(out, CONFIG)
    return out


@pytest.fixture(scope='module')
def coco(root):
    return COCO(str(root / 'coco' / 'annotations' / 'instances_train.json'))


def contents(folder):
    files = (path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize('workers', [1, 2])
def test_same_arguments_same_bytes(root, tmp_path, workers):
    make_shapes(tmp_path / 'again', CONFIG, workers)
    assert contents(tmp_path / 'again') == contents(root)


def test_another_seed_gives_other_images(root, tmp_path):
    make_shapes(tmp_path / 'other', ShapesConfig(train=1, val=0, size=96, seed=1))
    name = 'coco/train/000001.jpg'
    assert (tmp_path / 'other' / name).read_bytes() != (root / name).read_bytes()


def test_coco_masks_boxes_and_stuff_agree(root, coco):
    assert len(coco.imgs) == CONFIG.train
    assert [c['name'] for c in coco.loadCats(coco.getCatIds())] == list(SHAPES_CLASSES)
    for image_id, image in coco.imgs.items():
        pixels = cv2.imread(str(root / 'coco' / 'train' / image['file_name']))
        assert pixels.shape == (image['height'], image['width'], 3)
        labels = np.asarray(
            Image.open(root / 'coco' / 'stuffthingmaps' / 'train' / f'{image_id:06d}.png')
        )
        things = np.zeros(labels.shape, bool)
        for annotation in coco.imgToAnns[image_id]:
            mask = coco.annToMask(annotation).astype(bool)
            assert mask.sum() == annotation['area']
            rows, columns = np.nonzero(mask)
            x, y = columns.min(), rows.min()
            size = [columns.max() - x + 1, rows.max() - y + 1]
            assert annotation['bbox'] == [x, y, *size]
            assert (labels[mask] == annotation['category_id'] - 1).all()
            things |= mask
        assert (labels[~things] >= len(SHAPES_CLASSES)).all()


def test_there_is_a_crowd_as_uncompressed_rle(coco):
    crowds = [a for a in coco.anns.values() if a['iscrowd']]
    assert len(crowds) == 1
    assert isinstance(crowds[0]['segmentation']['counts'], list)
    assert all(isinstance(a['segmentation'], list) for a in coco.anns.values() if not a['iscrowd'])


def test_voc_has_the_same_images_and_boxes(root, coco):
    voc = root / 'VOCdevkit' / 'VOC2012'
    for image_id, image in coco.imgs.items():
        picture = (voc / 'JPEGImages' / image['file_name']).read_bytes()
        assert picture == (root / 'coco' / 'train' / image['file_name']).read_bytes()
        tree = ET.parse(voc / 'Annotations' / f'{image_id:06d}.xml')
        found = []
        for item in tree.findall('object'):
            x1, y1, x2, y2 = (
                int(item.findtext(f'bndbox/{k}')) for k in ('xmin', 'ymin', 'xmax', 'ymax')
            )
            found.append((item.findtext('name'), [x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1]))
        wanted = [
            (SHAPES_CLASSES[a['category_id'] - 1], a['bbox']) for a in coco.imgToAnns[image_id]
        ]
        assert found == wanted
        difficult = [item.findtext('difficult') == '1' for item in tree.findall('object')]
        crowd = [a['iscrowd'] == 1 for a in coco.imgToAnns[image_id]]
        assert all(d for d, c in zip(difficult, crowd, strict=True) if c)


def test_voc_index_maps(root, coco):
    voc = root / 'VOCdevkit' / 'VOC2012'
    for image_id in coco.imgs:
        classes = Image.open(voc / 'SegmentationClass' / f'{image_id:06d}.png')
        assert classes.mode == 'P'
        assert classes.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
        pixels = np.asarray(classes)
        for annotation in coco.imgToAnns[image_id]:
            inside = pixels[coco.annToMask(annotation).astype(bool)]
            label = 255 if annotation['iscrowd'] else annotation['category_id']
            assert set(np.unique(inside)) <= {label, 255}


def test_voc_lists(root):
    lists = root / 'VOCdevkit' / 'VOC2012' / 'ImageSets' / 'Main'
    train, val, both = (
        (lists / f'{name}.txt').read_text().split() for name in ('train', 'val', 'trainval')
    )
    assert (len(train), len(val)) == (CONFIG.train, CONFIG.val)
    assert both == train + val
    assert not set(train) & set(val)


def test_polygons_of_an_object_in_two_pieces():
    mask = np.zeros((20, 20), bool)
    mask[2:8, 2:8] = mask[12:18, 5:15] = True
    assert len(segmentation(Instance(0, mask, 100))) == 2


def test_a_hole_becomes_rle():
    mask = np.zeros((20, 20), bool)
    mask[2:18, 2:18] = True
    mask[8:12, 8:12] = False
    rle = segmentation(Instance(0, mask, 300))
    assert rle['size'] == [20, 20]
    decoded = np.repeat(np.arange(len(rle['counts'])) % 2, rle['counts'])
    assert np.array_equal(decoded.reshape(20, 20, order='F').astype(bool), mask)


def test_rle_of_a_mask_that_starts_in_the_corner():
    mask = np.ones((4, 4), bool)
    mask[1, 1] = False
    assert segmentation(Instance(0, mask, 16))['counts'] == [0, 5, 1, 10]


def test_same_data_set_is_left_alone(root):
    before = (root / 'meta.json').stat().st_mtime_ns
    assert make_shapes(root, CONFIG) is False
    assert (root / 'meta.json').stat().st_mtime_ns == before


def test_another_data_set_is_replaced_only_by_force(tmp_path):
    out, small = tmp_path / 'out', ShapesConfig(train=1, val=0, size=64)
    make_shapes(out, small)
    other = ShapesConfig(train=2, val=0, size=64)
    with pytest.raises(UserError, match='--force'):
        make_shapes(out, other)
    make_shapes(out, other, force=True)
    assert json.loads((out / 'meta.json').read_text())['arguments']['train'] == 2


def test_foreign_folder_is_never_replaced(tmp_path):
    (tmp_path / 'mine.txt').write_text('precious')
    with pytest.raises(UserError, match='not a shapes data set'):
        make_shapes(tmp_path, CONFIG, force=True)
    assert (tmp_path / 'mine.txt').read_text() == 'precious'


def test_rests_of_an_interrupted_run_do_not_matter(tmp_path):
    (tmp_path / 'out.partial' / 'coco').mkdir(parents=True)
    assert make_shapes(tmp_path / 'out', ShapesConfig(train=1, val=0, size=64))
    assert not (tmp_path / 'out.partial').exists()


@pytest.mark.parametrize(
    ('arguments', 'name'),
    [
        ({'train': 0}, '--train 0'),
        ({'size': 8}, '--size 8'),
        ({'min_objects': 5, 'max_objects': 2}, '--min-objects 5'),
        ({'seed': -1}, '--seed -1'),
    ],
)
def test_wrong_arguments_are_named(arguments, name):
    with pytest.raises(UserError, match=name):
        ShapesConfig(**arguments)


def test_parts_add_maps_and_change_nothing_else(root, tmp_path):
    config = ShapesConfig(train=8, val=3, size=96, parts=True)
    assert make_shapes(tmp_path / 'parts', config)
    before, after = contents(root), contents(tmp_path / 'parts')
    maps = {name for name in after if 'SegmentationPart' in name}
    assert len(maps) == config.train + config.val
    assert after.keys() - before.keys() == maps
    assert [name for name in before if before[name] != after[name]] == ['meta.json']
    assert json.loads(after['meta.json'])['arguments'] == {
        **json.loads(before['meta.json'])['arguments'],
        'parts': True,
    }
    assert make_shapes(tmp_path / 'parts', config) is False
    with pytest.raises(UserError, match='--force'):
        make_shapes(tmp_path / 'parts', CONFIG)
    voc = tmp_path / 'parts' / 'VOCdevkit' / 'VOC2012'
    seen = set()
    for number in range(1, 12):
        name = f'{number:06d}.png'
        parts = Image.open(voc / 'SegmentationPart' / name)
        assert parts.mode == 'P'
        pixels = np.asarray(parts)
        classes = np.asarray(Image.open(voc / 'SegmentationClass' / name))
        assert np.array_equal(pixels == 0, classes == 0)
        assert np.array_equal(pixels == 255, classes == 255)
        seen |= set(np.unique(pixels))
    assert seen == {0, 1, 2, 3, 255}
