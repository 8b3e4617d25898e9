"""YOLO data as they are: boxes and outlines in pixels, and what is wrong with a folder of them."""

import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from mmvisx.datasets import YoloDataset
from mmvisx.registry import TRANSFORMS
from mmvisx.utils import UserError
from tests.helpers.datasets import CLASSES, noise_image, write_yolo

# A box of 10 x 15 pixels around (20, 15), and a triangle, in an image of 40 x 30.
BOX = '0 0.5 0.5 0.25 0.5'
TRIANGLE = '1 0.25 0.2 0.75 0.2 0.75 0.6'


def build(root, **kwargs):
    kwargs.setdefault('ann_file', 'data.yaml')
    return YoloDataset(data_root=str(root), **kwargs)


def objects(dataset, index=0):
    found = dataset.get_data_info(index)['instances']
    return [(o['bbox_label'], o['bbox'], o.get('mask')) for o in found]


def test_reads_boxes_and_polygons(tmp_path):
    write_yolo(tmp_path, {'1': f'{BOX}\n{TRIANGLE}\n', '2': ''})
    dataset = build(tmp_path)
    assert objects(dataset) == [
        (0, [15, 7.5, 25, 22.5], None),
        (1, [10, 6, 30, 18], [[10, 6, 30, 6, 30, 18]]),
    ]
    assert objects(dataset, 1) == []
    assert dataset.metainfo['classes'] == CLASSES
    infos = [dataset.get_data_info(k) for k in (0, 1)]
    assert [(i['img_id'], i['width'], i['height']) for i in infos] == [(0, 40, 30), (1, 40, 30)]


def test_an_image_without_labels_has_no_objects(tmp_path):
    write_yolo(tmp_path, {'1': BOX, '2': BOX})
    (tmp_path / 'labels/train/1.txt').unlink()
    dataset = build(tmp_path)
    assert [len(objects(dataset, k)) for k in (0, 1)] == [0, 1]
    kept = build(tmp_path, filter_cfg=dict(filter_empty_gt=True))
    assert [info['img_id'] for info in (kept.get_data_info(0),)] == [1]
    assert len(kept) == 1


def test_small_images_are_filtered(tmp_path):
    write_yolo(tmp_path, {'1': BOX, '2': BOX})
    cv2.imwrite(str(tmp_path / 'images/train/1.jpg'), noise_image(20, 20))
    assert len(build(tmp_path, filter_cfg=dict(min_size=25))) == 1


def test_folders_without_yaml(tmp_path):
    write_yolo(tmp_path, {'1': f'{BOX}\n{TRIANGLE}'})
    prefix = dict(img='images/train')
    dataset = build(
        tmp_path, ann_file='', data_prefix=prefix, metainfo=dict(classes=('dog', 'cat'))
    )
    assert [o[0] for o in objects(dataset)] == [0, 1]
    with pytest.raises(UserError, match=r'data\.yaml.*metainfo=dict\(classes'):
        build(tmp_path, ann_file='', data_prefix=prefix)
    with pytest.raises(UserError, match=r"data_prefix=dict\(img='folder'\)"):
        build(tmp_path, ann_file='', metainfo=dict(classes=CLASSES))
    with pytest.raises(UserError, match=r'none does not exist'):
        build(tmp_path, ann_file='', data_prefix=dict(img='none'), metainfo=dict(classes=CLASSES))


def test_classes_of_the_yaml_are_chosen_by_name(tmp_path):
    write_yolo(tmp_path, {'1': f'{BOX}\n{TRIANGLE}'})
    dataset = build(tmp_path, metainfo=dict(classes=('dog',)))
    assert [o[:2] for o in objects(dataset)] == [(0, [10, 6, 30, 18])]
    assert dataset.skipped == {"class 'cat' that metainfo does not have": 1}


def test_classes_are_known_before_the_labels_are_read(tmp_path):
    write_yolo(tmp_path, {'1': 'nonsense'})
    assert build(tmp_path, lazy_init=True).metainfo['classes'] == CLASSES


def test_splits(tmp_path):
    write_yolo(tmp_path, {'v': TRIANGLE}, 'val')
    path = write_yolo(tmp_path, {'1': BOX})
    path.write_text(path.read_text() + 'val: images/val\n')
    assert [o[0] for o in objects(build(tmp_path, split='val'))] == [1]
    with pytest.raises(UserError, match=r"no split 'vall' \(did you mean val\?\).*train, val"):
        build(tmp_path, split='vall')


@pytest.mark.parametrize(
    'line', ['./images/train/2.jpg', 'images/train/2.jpg', '{root}/images/train/2.jpg']
)
def test_lists_of_images(tmp_path, line):
    path = write_yolo(tmp_path, {'1': BOX, '2': TRIANGLE})
    line = line.format(root=tmp_path)
    (tmp_path / 'train.txt').write_text(f'{line}\n\nimages/train/1.jpg\n')
    path.write_text(path.read_text().replace('train: images/train', 'train: train.txt'))
    assert [objects(build(tmp_path), k)[0][0] for k in (0, 1)] == [1, 0]
    prefix = dict(img='images')
    (tmp_path / 'own.txt').write_text('train/2.jpg\n')
    own = build(tmp_path, ann_file='own.txt', data_prefix=prefix, metainfo=dict(classes=CLASSES))
    assert [o[0] for o in objects(own)] == [1]
    assert len(own) == 1


def test_image_of_a_list_that_is_missing(tmp_path):
    path = write_yolo(tmp_path, {'1': BOX})
    (tmp_path / 'train.txt').write_text('images/train/1.jpg\nimages/train/3.jpg\n')
    path.write_text(path.read_text().replace('train: images/train', 'train: train.txt'))
    with pytest.raises(UserError, match=r'train\.txt, line 2: no file .*3\.jpg'):
        build(tmp_path)


def test_faulty_label_names_file_and_line(tmp_path):
    write_yolo(tmp_path, {'1': BOX, '2': f'{BOX}\n5 0.5 0.5 0.1 0.1'})
    with pytest.raises(UserError, match=r'labels/train/2\.txt, line 2: class 5 is not from 0 to 1'):
        build(tmp_path)


def test_labels_of_a_missing_image(tmp_path):
    write_yolo(tmp_path, {'1': BOX, '2': BOX})
    (tmp_path / 'labels/train/classes.txt').write_text('cat\ndog\n')
    assert len(build(tmp_path)) == 2
    (tmp_path / 'images/train/2.jpg').unlink()
    with pytest.raises(UserError, match=r'labels/train/2\.txt has no image .*images/train/2\.\*'):
        build(tmp_path)


def test_two_images_of_one_name(tmp_path):
    write_yolo(tmp_path, {'1': BOX})
    shutil.copy(tmp_path / 'images/train/1.jpg', tmp_path / 'images/train/1.png')
    with pytest.raises(UserError, match=r'1\.jpg and .*1\.png have the same file of labels'):
        build(tmp_path)


def test_no_labels_at_all(tmp_path):
    write_yolo(tmp_path, {'1': BOX})
    shutil.move(tmp_path / 'labels', tmp_path / 'label')
    with pytest.raises(UserError, match=r'none of the 1 images.*should be .*labels/train/1\.txt'):
        build(tmp_path)
    assert len(build(tmp_path, test_mode=True)) == 1


def test_folder_without_images(tmp_path):
    write_yolo(tmp_path, {})
    with pytest.raises(UserError, match=r'images/train has no image'):
        build(tmp_path)


def test_broken_image(tmp_path):
    write_yolo(tmp_path, {'1': BOX})
    (tmp_path / 'images/train/1.jpg').write_text('no image')
    with pytest.raises(UserError, match=r'1\.jpg is no image'):
        build(tmp_path)


def test_boxes_that_cannot_be_used_are_counted(tmp_path):
    write_yolo(tmp_path, {'1': f'{BOX}\n0 0.5 0.5 0 0.2\n0 0.5 0.5 0.1 0'})
    dataset = build(tmp_path)
    assert len(objects(dataset)) == 1
    assert dataset.skipped == {'box of no area': 2}


@pytest.mark.parametrize('ending', ['jpg', 'png'])
def test_turned_photograph(tmp_path, ending):
    """Labels are relative to the picture that training sees, turned as its EXIF data say."""
    write_yolo(tmp_path, {'1': TRIANGLE})
    (tmp_path / 'images/train/1.jpg').unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise_image()).save(tmp_path / f'images/train/1.{ending}', exif=exif)
    dataset = build(tmp_path, pipeline=[dict(type='mmvisx.LoadImageFromFile')])
    sample = dataset[0]
    assert sample['img'].shape == (40, 30, 3)
    assert (sample['width'], sample['height']) == (30, 40)
    assert objects(dataset)[0][1] == [7.5, 8, 22.5, 24]


def test_masks_are_loaded(tmp_path):
    write_yolo(tmp_path, {'1': '1 0.25 0.2 0.75 0.2 0.75 0.6 0.25 0.6'})
    load = TRANSFORMS.build(
        dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True)
    )
    info = build(tmp_path).get_data_info(0)
    masks = load(dict(info, ori_shape=(30, 40), img_shape=(30, 40)))['gt_masks'].masks
    expected = np.zeros((1, 30, 40), np.uint8)
    expected[0, 6:18, 10:30] = 1
    assert np.array_equal(masks, expected)


def test_box_without_a_mask_is_named(tmp_path):
    write_yolo(tmp_path, {'1': BOX})
    load = TRANSFORMS.build(dict(type='mmvisx.LoadAnnotations', with_mask=True))
    info = build(tmp_path).get_data_info(0)
    with pytest.raises(UserError, match=r'1\.jpg has a box but no segmentation'):
        load(dict(info, ori_shape=(30, 40)))
