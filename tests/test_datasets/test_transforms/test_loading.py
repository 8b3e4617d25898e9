import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmengine.registry import TRANSFORMS
from PIL import Image, ImageFile
from torch.utils.data import DataLoader

from mmvisx.datasets import CocoDataset, VOCDataset
from mmvisx.datasets.detection.checks import check_coco
from mmvisx.datasets.transforms import LoadAnnotations, LoadImageFromFile
from mmvisx.utils import UserError
from tests.helpers.datasets import (
    CLASSES,
    coco_content,
    noise_image,
    voc_xml,
    write_coco,
    write_voc,
)


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


def write_turned(path, orientation):
    """Write the picture as a camera that was held upright does: 40x30 in the file."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise_image()).save(path, exif=exif)


# What the file says, what the annotations say, and what becomes of it.
SIZES = [
    (1, (40, 30), None),
    (6, (30, 40), None),
    (8, (30, 40), None),
    (3, (40, 30), None),
    (6, (40, 30), r'annotated 40x30, is 30x40 .*EXIF.*color_ignore_orientation'),
    (8, (40, 30), r'annotated 40x30, is 30x40 .*EXIF'),
    (1, (30, 40), 'annotated 30x40, is 40x30 .*exchanged in the annotations'),
    (3, (30, 40), 'annotated 30x40, is 40x30 .*exchanged in the annotations'),
    (1, (80, 60), 'annotated 80x60, is 40x30 .*resized image'),
]


@pytest.mark.parametrize('ending', ['jpg', 'png'])
@pytest.mark.parametrize(('orientation', 'annotated', 'fault'), SIZES)
def test_annotations_for_an_image_of_another_size(tmp_path, orientation, annotated, fault, ending):
    content = coco_content(1)
    content['images'][0].update(width=annotated[0], height=annotated[1], file_name=f'1.{ending}')
    for annotation in content['annotations']:
        annotation['bbox'] = [2, 2, 10, 8]
    write_coco(tmp_path, content)
    write_turned(tmp_path / 'img' / f'1.{ending}', orientation)
    report = check_coco(tmp_path / 'ann.json', tmp_path / 'img')
    if fault is None:
        assert build(tmp_path, FULL[:1], seg=False)[0]['img'].shape == (
            annotated[1],
            annotated[0],
            3,
        )
        assert report.faults == 0
        return
    with pytest.raises(UserError, match=rf'img/1\.{ending}: {fault}') as error:
        build(tmp_path, FULL[:1], seg=False)  # before anything is trained or tested
    assert '\n' not in str(error.value)
    assert report.counts['size differs from the image'] == report.faults == 1
    # Not even if broken images are dropped.
    with pytest.raises(UserError, match=fault):
        build(tmp_path, [FULL[0] | {'ignore_empty': True}], seg=False)


def test_a_photograph_as_it_is_in_the_file(tmp_path):
    content = coco_content(1)
    write_coco(tmp_path, content)
    write_turned(tmp_path / 'img' / '1.jpg', 6)
    load = FULL[0] | {'color_type': 'color_ignore_orientation'}
    assert build(tmp_path, [load], seg=False)[0]['img'].shape == (30, 40, 3)


def test_voc_annotations_for_an_image_of_another_size(tmp_path):
    xml = voc_xml([('cat', (5, 5, 15, 15))])
    write_voc(
        tmp_path, {'1': xml.replace('<width>40', '<width>30').replace('<height>30', '<height>40')}
    )
    with pytest.raises(UserError, match=r'1\.jpg: annotated 30x40, is 40x30 .*exchanged'):
        VOCDataset(
            ann_file='VOC2012/ImageSets/Main/train.txt',
            data_root=str(tmp_path),
            data_prefix={'sub_data_root': 'VOC2012/'},
            metainfo={'classes': CLASSES},
            pipeline=FULL[:1],
        )


def test_the_comparison_reads_nothing_more(tmp_path, monkeypatch):
    write_coco(tmp_path, coco_content(1))
    dataset = build(tmp_path, FULL[:1], seg=False)
    opened, original = [], Image.open
    monkeypatch.setattr(Image, 'open', lambda file: opened.append(file) or original(file))
    monkeypatch.setattr(ImageFile.ImageFile, 'load', None)  # a call would fail
    assert dataset[0]['img'].shape == (30, 40, 3)
    assert len(opened) == 1  # for the number of pixels


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
    dataset = build(tmp_path, FULL)
    path = tmp_path / 'img' / '1.jpg'
    path.write_bytes(path.read_bytes()[:-300])
    loader = DataLoader(dataset, num_workers=workers, collate_fn=pseudo_collate)
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
        build(tmp_path, FULL)
    boxes_only = LoadAnnotations(with_bbox=True)
    assert len(build(tmp_path, [boxes_only])[0]['gt_bboxes']) == 2


@pytest.mark.parametrize('keep', [True, False])
def test_annotations_as_they_were_read(tmp_path, keep):
    write_coco(tmp_path, coco_content())
    results = build(tmp_path, [LoadAnnotations(with_bbox=True, keep_instances=keep)])[0]
    assert ('instances' in results) == keep
    assert len(results['gt_bboxes']) == 2


def test_rle_of_another_size(tmp_path):
    mask = {'size': [31, 40], 'counts': [0, 1240]}
    sample = {'img_path': '1.jpg', 'ori_shape': (30, 40), 'instances': [{'mask': mask}]}
    with pytest.raises(UserError, match=r'RLE mask of an object in 1\.jpg'):
        LoadAnnotations(with_mask=True)._load_masks(sample)
