import copy
import json

import pytest
from mmengine.registry import DATASETS

from mmvisx.datasets import CocoDataset
from mmvisx.datasets.detection.coco_json import box_fault, reaches_out
from mmvisx.utils import UserError
from mmvisx.utils.coco_file import read_coco
from tests.helpers.datasets import CLASSES, coco_content, write_coco


def build(root, classes=CLASSES, **kwargs):
    return CocoDataset(
        ann_file='ann.json',
        data_root=str(root),
        data_prefix={'img': 'img/', 'seg': 'stuff/'},
        metainfo={'classes': classes},
        **kwargs,
    )


def labels(dataset, index=0):
    return [o['bbox_label'] for o in dataset.get_data_info(index)['instances']]


def test_reads_what_mmdet_reads(tmp_path):
    write_coco(tmp_path, coco_content())
    config = {
        'ann_file': 'ann.json',
        'data_root': str(tmp_path),
        'data_prefix': {'img': 'img/'},
        'metainfo': {'classes': CLASSES},
    }
    ours = DATASETS.build({'type': 'mmvisx.CocoDataset', **copy.deepcopy(config)})
    mmdets = DATASETS.build({'type': 'mmdet.CocoDataset', **copy.deepcopy(config)})
    assert len(ours) == len(mmdets) == 2
    assert [ours.get_data_info(k) for k in range(2)] == [mmdets.get_data_info(k) for k in range(2)]
    assert not ours.skipped


def test_missing_file_names_path_and_keys(tmp_path):
    with pytest.raises(UserError, match=r'ann\.json does not exist.*ann_file.*data_root'):
        build(tmp_path)


def test_broken_json_names_file_and_place(tmp_path):
    (tmp_path / 'ann.json').write_text('{"images": [],\n "annotations": [}')
    with pytest.raises(UserError, match=r'ann\.json is no valid JSON.*line 2, column 18'):
        build(tmp_path)


@pytest.mark.parametrize('key', ['images', 'annotations', 'categories'])
def test_missing_list_is_named(tmp_path, key):
    content = coco_content()
    del content[key]
    write_coco(tmp_path, content)
    with pytest.raises(UserError, match=f"no list '{key}'"):
        build(tmp_path)


def test_json_of_another_kind(tmp_path):
    (tmp_path / 'ann.json').write_text('[1, 2]')
    with pytest.raises(UserError, match="no list 'images'"):
        read_coco(tmp_path / 'ann.json')


def test_missing_key_is_named(tmp_path):
    content = coco_content()
    del content['images'][1]['width']
    write_coco(tmp_path, content)
    with pytest.raises(UserError, match=r'images\[1\] lacks width'):
        build(tmp_path)


def test_no_class_in_common_names_both_lists(tmp_path):
    write_coco(tmp_path, coco_content())
    with pytest.raises(UserError, match=r"'cat', 'dog'.*'car', 'bus'.*metainfo"):
        build(tmp_path, ('car', 'bus'))


def test_category_not_in_the_class_list_is_counted(tmp_path):
    write_coco(tmp_path, coco_content())
    dataset = build(tmp_path, ('dog',))
    assert dataset.skipped == {"class 'cat' that metainfo does not have": 2}
    assert labels(dataset) == [0]


def test_class_that_the_file_lacks_keeps_its_label(tmp_path):
    write_coco(tmp_path, coco_content())
    dataset = build(tmp_path, ('cat', 'bird', 'dog'))
    assert labels(dataset) == [0, 2]
    assert dataset.skipped == {'class of metainfo that the file does not have': 1}


def test_labels_follow_metainfo_not_the_file(tmp_path):
    write_coco(tmp_path, coco_content())
    assert labels(build(tmp_path, ('dog', 'cat'))) == [1, 0]


def test_undefined_category_and_image_are_counted(tmp_path):
    content = coco_content()
    content['annotations'][0]['category_id'] = 77
    content['annotations'][1]['image_id'] = 99
    write_coco(tmp_path, content)
    dataset = build(tmp_path)
    assert dataset.skipped == {
        'category_id 77 that the file does not define': 1,
        'annotation of an unknown image': 1,
    }
    assert labels(dataset) == []


@pytest.mark.parametrize(
    ('box', 'problem'),
    [
        ([5, 5, 0, 8], 'box of no area'),
        ([5, 5, 4, -8], 'box of no area'),
        ([50, 5, 4, 8], 'box outside the image'),
        ([5, 5, 0.5, 8], 'box narrower than a pixel'),
    ],
)
def test_unusable_box_is_skipped_and_counted(tmp_path, box, problem):
    content = coco_content()
    content['annotations'][0]['bbox'] = box
    write_coco(tmp_path, content)
    dataset = build(tmp_path)
    assert dataset.skipped == {problem: 1}
    assert dataset.examples[problem] == 'annotation 1 in 1.jpg'
    assert labels(dataset) == [1]


def test_box_partly_outside_is_kept_and_counted(tmp_path):
    content = coco_content()
    content['annotations'][0]['bbox'] = [35, 5, 10, 8]
    write_coco(tmp_path, content)
    dataset = build(tmp_path)
    assert dataset.skipped == {'box partly outside the image (kept)': 1}
    assert labels(dataset) == [0, 1]


def test_missing_area_is_that_of_the_box(tmp_path):
    content = coco_content()
    del content['annotations'][0]['area']
    write_coco(tmp_path, content)
    assert labels(build(tmp_path)) == [0, 1]


@pytest.mark.parametrize('key', ['images', 'annotations', 'categories'])
def test_duplicate_ids(tmp_path, key):
    content = coco_content()
    content[key][1]['id'] = content[key][0]['id']
    write_coco(tmp_path, content)
    with pytest.raises(UserError, match=f"more than once in '{key}'"):
        build(tmp_path)


def test_images_without_objects(tmp_path, caplog):
    content = coco_content(3)
    for annotation in content['annotations'][2:4]:  # of the second image
        annotation['bbox'] = [5, 5, 0, 0]
    write_coco(tmp_path, content)
    assert len(build(tmp_path)) == 3
    assert len(build(tmp_path, filter_cfg={'filter_empty_gt': True})) == 2
    assert len(build(tmp_path, filter_cfg={'filter_empty_gt': True}, test_mode=True)) == 3


def test_counts_are_logged(tmp_path, monkeypatch):
    content = coco_content()
    content['annotations'][0]['bbox'] = [5, 5, 0, 0]
    write_coco(tmp_path, content)
    lines = []
    monkeypatch.setattr(
        'mmvisx.datasets.detection.checked.print_log', lambda text, *_: lines.append(text)
    )
    build(tmp_path)
    assert '2 images, 3 objects, 0 images without objects' in lines[0]
    assert '1 x box of no area (first: annotation 1 in 1.jpg)' in lines[1]


@pytest.mark.parametrize('test_mode', [False, True])
def test_no_usable_object_is_an_error(tmp_path, test_mode):
    content = coco_content()
    for annotation in content['annotations']:
        annotation['bbox'] = [5, 5, 0, 0]
    write_coco(tmp_path, content)
    with pytest.raises(UserError, match=r'no (image|object) is left.*4 x box of no area'):
        build(tmp_path, filter_cfg={'filter_empty_gt': True}, test_mode=test_mode)


def test_no_image_is_an_error(tmp_path):
    content = coco_content()
    content['images'], content['annotations'] = [], []
    write_coco(tmp_path, content)
    with pytest.raises(UserError, match=r'no image is left.*0 images'):
        build(tmp_path)


def test_pipeline_that_drops_everything_ends(tmp_path):
    write_coco(tmp_path, coco_content())
    dataset = build(tmp_path, pipeline=[lambda results: None], max_refetch=5)
    with pytest.raises(UserError, match=r'dropped 6 images in a row.*\.jpg'):
        dataset[0]


def test_pipeline_that_drops_one_image_goes_on(tmp_path):
    write_coco(tmp_path, coco_content())
    dataset = build(
        tmp_path,
        pipeline=[lambda results: None if results['img_id'] == 1 else results],
        max_refetch=50,
    )
    assert {dataset[0]['img_id'] for _ in range(20)} == {2}


def test_dropping_in_test_mode_names_the_image(tmp_path):
    write_coco(tmp_path, coco_content())
    dataset = build(tmp_path, pipeline=[lambda results: None], test_mode=True)
    with pytest.raises(UserError, match=r'1\.jpg'):
        dataset[0]


def test_box_fault_and_reaches_out():
    assert box_fault([0, 0, 40, 30], 40, 30) is None
    assert box_fault([-5, 0, 5, 5], 40, 30) == 'box outside the image'
    assert not reaches_out([-0.5, 0, 41, 30], 40, 30)
    assert reaches_out([0, 0, 42, 30], 40, 30)


@pytest.mark.realdata
def test_real_images(realdata):
    dataset = CocoDataset(
        ann_file='annotations/instances_train2017.json',
        data_root=str(realdata / 'coco128'),
        data_prefix={'img': 'train2017/'},
    )
    content = json.loads(
        (realdata / 'coco128' / 'annotations' / 'instances_train2017.json').read_text()
    )
    objects = sum(len(dataset.get_data_info(k)['instances']) for k in range(len(dataset)))
    assert (len(dataset), objects) == (128, len(content['annotations']))
    assert set(dataset.skipped) <= {'box partly outside the image (kept)'}
