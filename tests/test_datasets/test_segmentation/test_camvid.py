"""CamVid: the folders, pixels without a label, errors."""

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image

from mmvisx.datasets import CamVidDataset
from mmvisx.utils import UserError

PREFIX = dict(img_path='train', seg_map_path='trainannot')
LOAD = [dict(type='mmvisx.LoadImageFromFile'), dict(type='LoadAnnotations')]


@pytest.fixture
def folder(tmp_path):
    """Two images whose label maps hold all 12 numbers."""
    for name in PREFIX.values():
        (tmp_path / name).mkdir()
    for name in ('b', 'a'):
        Image.new('RGB', (8, 6), (10, 20, 30)).save(tmp_path / 'train' / f'{name}.png')
        labels = np.arange(48, dtype=np.uint8).reshape(6, 8) % 12
        Image.fromarray(labels).save(tmp_path / 'trainannot' / f'{name}.png')
    # As SegNet's tutorial has it; of no effect.
    (tmp_path / 'train.txt').write_text('/SegNet/train/c.png /SegNet/trainannot/c.png\n')
    return tmp_path


def load(folder, **kwargs):
    with DefaultScope.overwrite_default_scope('mmseg'):
        return CamVidDataset(PREFIX, data_root=str(folder), pipeline=LOAD, **kwargs)


def test_unlabelled_pixels_are_ignored(folder):
    data = load(folder)
    assert [d['img_path'].rsplit('/', 1)[-1] for d in data] == ['a.png', 'b.png']
    expected = np.arange(48).reshape(6, 8) % 12
    expected[expected == 11] = 255
    assert (data[0]['gt_seg_map'] == expected).all()
    assert len(data.metainfo['classes']) == len(data.metainfo['palette']) == 11


def test_chosen_classes_leave_the_others_out(folder):
    labels = load(folder, metainfo=dict(classes=('road', 'sky')))[0]['gt_seg_map']
    old = np.arange(48).reshape(6, 8) % 12
    assert (labels == np.select([old == 3, old == 0], [0, 1], 255)).all()


def test_errors(folder):
    (folder / 'trainannot' / 'a.png').unlink()
    with pytest.raises(UserError, match=r'trainannot/a\.png does not exist: 1 of 2 images'):
        load(folder)
    for path in (folder / 'train').iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r'no \.png in .*train'):
        load(folder)
    with pytest.raises(UserError, match=r'img_path .* does not exist'):
        load(folder / 'elsewhere')


@pytest.mark.realdata
def test_real_images(realdata):
    data = load(realdata / 'camvid22')
    assert len(data) == 14
    image = data[0]
    assert image['img'].shape == (360, 480, 3)
    assert set(np.unique(image['gt_seg_map'])) <= {*range(11), 255}
    road = image['gt_seg_map'] == 3
    assert road[180:].mean() > 5 * road[:180].mean()
