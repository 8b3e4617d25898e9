"""LabelMe data as they are: what shapes become in training, and faults of a folder."""

import json
import shutil

import pytest

from mmvisx.datasets import LabelMeDataset
from mmvisx.registry import TRANSFORMS
from mmvisx.utils import UserError
from tests.helpers.datasets import CLASSES, labelme_shape, write_labelme

CAT = labelme_shape('cat', [[10, 6], [30, 6], [30, 18]])
DOG = labelme_shape('dog', [[8, 5], [18, 13]], 'rectangle')


def build(root, **kwargs):
    return LabelMeDataset(data_root=str(root.parent), data_prefix=dict(img=root.name), **kwargs)


def objects(dataset, index=0):
    found = dataset.get_data_info(index)['instances']
    return [(o['bbox_label'], o['bbox'], o.get('mask')) for o in found]


def edit(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_reads_shapes(tmp_path):
    dataset = build(write_labelme(tmp_path / 'data', {'1': [DOG, CAT], '2': []}))
    assert dataset.metainfo['classes'] == CLASSES  # sorted
    assert objects(dataset) == [
        (1, [8, 5, 18, 13], None),
        (0, [10, 6, 30, 18], [[10, 6, 30, 6, 30, 18]]),
    ]
    assert objects(dataset, 1) == []
    info = dataset.get_data_info(1)
    assert (info['img_id'], info['width'], info['height']) == (1, 40, 30)


def test_given_classes_and_what_is_left_out(tmp_path):
    point = labelme_shape('dog', [[1, 1]], 'point')
    root = write_labelme(tmp_path / 'data', {'1': [DOG, CAT, point]})
    dataset = build(root, metainfo=dict(classes=('dog',)))
    assert [o[0] for o in objects(dataset)] == [0]
    assert dataset.skipped == {
        "class 'cat' that metainfo does not have": 1,
        "shape of type 'point'": 1,
    }


def test_a_list_of_files(tmp_path):
    root = write_labelme(tmp_path / 'data', {'1': [DOG], '2': [CAT]})
    (tmp_path / 'val.txt').write_text('2.json\n')
    dataset = build(root, ann_file='val.txt', metainfo=dict(classes=CLASSES))
    assert [len(dataset), objects(dataset)[0][0]] == [1, 0]
    (tmp_path / 'val.txt').write_text('2.json\n3.json\n')
    with pytest.raises(UserError, match=r'val\.txt, line 2: no file .*3\.json'):
        build(root, ann_file='val.txt')


def test_size_from_the_image_where_the_file_does_not_say(tmp_path):
    root = write_labelme(tmp_path / 'data', {'1': [CAT]})
    edit(root / '1.json', imageWidth=None, imageHeight=None)
    assert build(root).get_data_info(0)['width'] == 40


def test_groups_are_masks_of_several_parts(tmp_path):
    square = [[10, 6], [12, 6], [12, 8], [10, 8]]
    other = [[20, 20], [30, 20], [30, 25], [20, 25]]
    parts = [labelme_shape('cat', points, group_id=3) for points in (square, other)]
    dataset = build(write_labelme(tmp_path / 'data', {'1': parts}))
    load = TRANSFORMS.build(dict(type='mmvisx.LoadAnnotations', with_mask=True, poly2mask=True))
    masks = load(dict(dataset.get_data_info(0), ori_shape=(30, 40)))['gt_masks'].masks
    assert masks.shape == (1, 30, 40)
    assert masks.sum() == 2 * 2 + 10 * 5
    assert masks[0, 6:8, 10:12].all()


def test_missing_image_is_named(tmp_path):
    root = write_labelme(tmp_path / 'data', {'1': [CAT]})
    (root / '1.jpg').unlink()
    with pytest.raises(UserError, match=r'1\.json: imagePath: there is no image .*1\.jpg'):
        build(root)


def test_two_files_of_an_image(tmp_path):
    root = write_labelme(tmp_path / 'data', {'1': [CAT]})
    shutil.copy(root / '1.json', root / '2.json')
    with pytest.raises(UserError, match=r'1\.json and .*2\.json are both of .*1\.jpg'):
        build(root)


def test_nothing_to_read(tmp_path):
    with pytest.raises(UserError, match=r'data has no LabelMe file'):
        build(write_labelme(tmp_path / 'data', {}))
    with pytest.raises(UserError, match=r'data: the files have no object'):
        build(write_labelme(tmp_path / 'data', {'1': []}))


def test_wrong_size_is_found_by_the_loader(tmp_path):
    root = write_labelme(tmp_path / 'data', {'1': [CAT]})
    edit(root / '1.json', imageWidth=30, imageHeight=40)
    with pytest.raises(UserError, match=r'1\.jpg: annotated 30x40, is 40x30'):
        build(root, pipeline=[dict(type='mmvisx.LoadImageFromFile')])[0]
