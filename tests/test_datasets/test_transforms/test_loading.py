import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmengine.registry import TRANSFORMS
from torch.utils.data import DataLoader

from mmvisx.datasets import CocoDataset
from mmvisx.datasets.transforms import LoadAnnotations, LoadImageFromFile
from mmvisx.utils import UserError
from tests.test_datasets.builders import CLASSES, coco_content, noise_image, write_coco


def build(root, pipeline, seg=True):
    prefix = {'img': 'img/', 'seg': 'stuff/'} if seg else {'img': 'img/'}
    return CocoDataset(
        ann_file='ann.json',
        data_root=str(root),
        data_prefix=prefix,
        metainfo={'classes': CLASSES},
        pipeline=pipeline,
    )


FULL = [
    {'type': 'mmvisx.LoadImageFromFile'},
    {'type': 'mmvisx.LoadAnnotations', 'with_bbox': True, 'with_mask': True, 'with_seg': True},
]


def load_image(path, **kwargs):
    return LoadImageFromFile(**kwargs).transform({'img_path': str(path)})


@pytest.mark.parametrize('to_float32', [False, True])
def test_image_equals_mmcvs(tmp_path, to_float32):
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), noise_image())
    ours = load_image(path, to_float32=to_float32)
    theirs = TRANSFORMS.build({'type': 'mmcv.LoadImageFromFile', 'to_float32': to_float32})(
        {'img_path': str(path)}
    )
    assert ours.keys() == theirs.keys()
    assert ours['img_shape'] == theirs['img_shape'] == ours['ori_shape'] == (30, 40)
    assert ours['img'].dtype == theirs['img'].dtype
    assert np.array_equal(ours['img'], theirs['img'])


def test_missing_image(tmp_path):
    with pytest.raises(UserError, match=r'no\.jpg does not exist.*data_prefix'):
        load_image(tmp_path / 'no.jpg')


def test_truncated_jpeg(tmp_path):
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), noise_image())
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match=r'a\.jpg is truncated'):
        load_image(path)


@pytest.mark.parametrize('content', [b'', b'<html>404</html>'])
def test_no_image(tmp_path, content):
    (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(UserError, match=r'a\.jpg (is an empty file|cannot be decoded)'):
        load_image(tmp_path / 'a.jpg')


def test_ignore_empty_drops_the_image(tmp_path):
    assert load_image(tmp_path / 'no.jpg', ignore_empty=True) is None


@pytest.mark.parametrize('workers', [0, 1])
def test_error_is_short_in_the_main_process(tmp_path, workers):
    write_coco(tmp_path, coco_content(1), stuff=True)
    path = tmp_path / 'img' / '1.jpg'
    path.write_bytes(path.read_bytes()[:-300])
    loader = DataLoader(build(tmp_path, FULL), num_workers=workers, collate_fn=pseudo_collate)
    with pytest.raises(UserError) as caught:
        next(iter(loader))
    message = str(caught.value)
    assert message.startswith('image file')
    assert '1.jpg is truncated' in message
    assert 'Traceback' not in message
    assert len(message) < 400


def test_full_pipeline(tmp_path):
    write_coco(tmp_path, coco_content(), stuff=True)
    data = build(tmp_path, FULL)[0]
    assert data['gt_seg_map'].shape == (30, 40)
    assert (data['gt_seg_map'] == 3).all()
    assert data['gt_masks'].masks.shape == (2, 30, 40)
    assert data['gt_masks'].masks[0].sum() == 80


def test_missing_stuff_map(tmp_path):
    write_coco(tmp_path, coco_content())
    with pytest.raises(UserError, match=r"stuff/1\.png does not exist.*data_prefix\['seg'\]"):
        build(tmp_path, FULL)[0]


def test_no_folder_of_stuff_maps(tmp_path):
    write_coco(tmp_path, coco_content())
    with pytest.raises(UserError, match=r"data_prefix\['seg'\].*with_seg=False"):
        build(tmp_path, FULL, seg=False)[0]


def test_unreadable_stuff_map(tmp_path):
    write_coco(tmp_path, coco_content(), stuff=True)
    (tmp_path / 'stuff' / '1.png').write_bytes(b'nonsense')
    with pytest.raises(UserError, match=r'stuff/1\.png cannot be decoded'):
        build(tmp_path, FULL)[0]


@pytest.mark.parametrize('shape', [(30, 41), (30, 40, 3)])
def test_stuff_map_of_another_shape(tmp_path, shape):
    write_coco(tmp_path, coco_content(), stuff=True)
    cv2.imwrite(str(tmp_path / 'stuff' / '1.png'), np.zeros(shape, np.uint8))
    with pytest.raises(UserError, match=r'stuff/1\.png has the shape'):
        build(tmp_path, FULL)[0]


def test_object_without_mask(tmp_path):
    content = coco_content()
    del content['annotations'][0]['segmentation']
    write_coco(tmp_path, content, stuff=True)
    with pytest.raises(UserError, match=r'1\.jpg has a box but no segmentation'):
        build(tmp_path, FULL)[0]
    boxes_only = LoadAnnotations(with_bbox=True)
    assert len(build(tmp_path, [boxes_only])[0]['gt_bboxes']) == 2


@pytest.mark.parametrize('keep', [True, False])
def test_annotations_as_they_were_read(tmp_path, keep):
    write_coco(tmp_path, coco_content())
    results = build(tmp_path, [LoadAnnotations(with_bbox=True, keep_instances=keep)])[0]
    assert ('instances' in results) == keep
    assert len(results['gt_bboxes']) == 2


def test_rle_of_another_size(tmp_path):
    content = coco_content()
    content['annotations'][0]['segmentation'] = {'size': [31, 40], 'counts': [0, 1240]}
    write_coco(tmp_path, content, stuff=True)
    with pytest.raises(UserError, match=r'RLE mask of an object in .*1\.jpg'):
        build(tmp_path, FULL)[0]
