"""Classification data: what is loaded, and every fault of folders and lists by name."""

import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmvisx.datasets import ImageFolder, ImageNet
from mmvisx.datasets.classification import image_folder
from mmvisx.registry import DATASETS
from mmvisx.utils import UserError


@pytest.fixture
def root(tmp_path):
    """Three classes of two images each, below ``train``."""
    for index, name in enumerate(['ant', 'bee', 'cat']):
        folder = tmp_path / 'train' / name
        folder.mkdir(parents=True)
        for number in range(2):
            image = np.full((8, 9, 3), 40 * index + number, np.uint8)
            cv2.imwrite(str(folder / f'{number}.png'), image)
    return tmp_path


def folder(root, **options):
    """Return the data set with a pipeline that loads."""
    return ImageFolder(
        data_root=str(root),
        data_prefix='train',
        pipeline=[dict(type='mmvisx.LoadImageFromFile')],
        **options,
    )


def test_classes_are_the_folders(root):
    data = folder(root, num_classes=3)
    assert data.metainfo['classes'] == ('ant', 'bee', 'cat')
    assert [data.get_data_info(i)['gt_label'] for i in range(6)] == [0, 0, 1, 1, 2, 2]
    assert data[4]['img'].shape == (8, 9, 3)
    assert data[4]['img'].max() == 80
    assert DATASETS.get('ImageFolder') is ImageFolder


def test_a_list_of_files_and_labels(root):
    (root / 'list.txt').write_text('cat/0.png 2\nant/1.png 0\n')
    data = folder(root, ann_file='list.txt', num_classes=3)
    assert [data.get_data_info(i)['gt_label'] for i in range(2)] == [2, 0]
    assert data[1]['img'].max() == 1


def test_imagenets_layout_with_flat_validation_images(root):
    (root / 'meta').mkdir()
    (root / 'meta' / 'val.txt').write_text('a.png 999\n')
    (root / 'val').mkdir()
    cv2.imwrite(str(root / 'val' / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    data = ImageNet(data_root=str(root), split='val')
    assert data.get_data_info(0)['gt_label'] == 999
    assert len(data.metainfo['classes']) == 1000
    (root / 'meta' / 'val.txt').write_text('a.png 1000\n')
    with pytest.raises(UserError, match=r'val\.txt, line 1: label 1000 of a\.png is not from 0 to'):
        ImageNet(data_root=str(root), split='val')
    with pytest.raises(UserError, match='has 3 class folders, the config names 1000 classes'):
        ImageNet(data_root=str(root), split='train')


def break_list(line):
    def change(root):
        (root / 'list.txt').write_text(f'ant/0.png 0\n{line}\n')
        return dict(ann_file='list.txt', num_classes=3)

    return change


def empty_class(root):
    for file in (root / 'train' / 'bee').iterdir():
        file.rename(file.with_suffix('.txt'))
    return {}


def no_classes(root):
    for name in ('ant', 'bee', 'cat'):
        (root / 'train' / name).rename(root / name)
    return {}


def no_folder(root):
    (root / 'train').rename(root / 'training')
    return {}


def no_list(_):
    return dict(ann_file='missing.txt')


def empty_list(root):
    (root / 'list.txt').write_text('')
    return dict(ann_file='list.txt')


FAULTS = {
    'empty class folder': (empty_class, r'class folder \S+bee has no image \(.*\.png'),
    'no class folders': (no_classes, 'train has no class folders'),
    'no folder': (no_folder, 'image folder .*train does not exist'),
    'wrong count': (lambda _: dict(num_classes=4), '3 class folders, the config names 4 classes'),
    'other names': (
        lambda _: dict(metainfo=dict(classes=('ant', 'bee'))),
        r"names 2 classes \(only in the folder: \['cat'\]\)",
    ),
    'other order': (
        lambda _: dict(metainfo=dict(classes=('bee', 'ant', 'cat'))),
        'in another order: labels follow the alphabet',
    ),
    'two counts': (
        lambda _: dict(metainfo=dict(classes=('a', 'b', 'c')), num_classes=2),
        'num_classes=2 of the data set, but it has 3 class names',
    ),
    'label too large': (
        break_list('cat/0.png 3'),
        r'line 2: label 3 of cat/0.png is not from 0 to 2',
    ),
    'label negative': (break_list('cat/0.png -1'), r'line 2: label -1 of cat/0.png is not from 0'),
    'no label': (break_list('cat/0.png'), "line 2: 'cat/0.png' is not a file name and a label"),
    'label no number': (break_list('cat/0.png cat'), "line 2: 'cat/0.png cat' is not a file name"),
    'no list': (no_list, r'list of images \S+missing.txt does not exist'),
    'empty list': (empty_list, r'list of images \S+list.txt is empty'),
}


@pytest.mark.parametrize('name', FAULTS)
def test_faults(root, name):
    change, message = FAULTS[name]
    options = change(root)
    with pytest.raises(UserError, match=message):
        folder(root, **options)


def test_an_unreadable_image_is_named_also_by_a_worker(root):
    path = root / 'train' / 'bee' / '1.png'
    path.write_bytes(path.read_bytes()[:60])
    loader = DataLoader(folder(root), batch_size=6, num_workers=1, collate_fn=pseudo_collate)
    with pytest.raises(UserError, match=r'image file \S+bee/1.png is truncated or broken'):
        next(iter(loader))


def test_files_that_are_no_images_are_counted_in_the_log(root, monkeypatch):
    logged = []
    monkeypatch.setattr(image_folder, 'print_log', lambda text, *_: logged.append(text))
    (root / 'train' / 'ant' / 'Thumbs.db').write_text('')
    assert len(folder(root)) == 6
    assert any('1 x .db' in text for text in logged)
    assert any('6 images of 3 classes, 2 to 2 a class' in text for text in logged)
