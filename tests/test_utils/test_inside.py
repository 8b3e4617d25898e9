"""Files that annotations name stay inside the folders that the user has given."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from mmvisx.cli.datasets.check_dataset import main as check_dataset
from mmvisx.datasets import CocoDataset, SegmentationDataset, VOCDataset, YoloDataset
from mmvisx.datasets.panoptic.annotations import panoptic_to_stuff
from mmvisx.utils import UserError
from mmvisx.utils.inside import check_inside
from mmvisx.utils.trust import ALLOW_OUTSIDE

OUTSIDE = ('../../secret.png', '/etc/passwd', 'images/../../x.png', '../data-other/x.png')


@pytest.mark.parametrize('path', OUTSIDE)
def test_paths_that_lead_out(path, tmp_path, monkeypatch):
    root = tmp_path / 'data'
    full = str(root / path)
    with pytest.raises(UserError, match=r'a\.json names 1 files outside of .*allow_outside=True'):
        check_inside([str(root / 'x.png'), full], [root], 'a.json')
    monkeypatch.setenv(ALLOW_OUTSIDE, '1')
    check_inside([full], [root], 'a.json')


def test_paths_that_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_inside(['data/x.png', 'data/a/../x.png', str(tmp_path / 'data/..x.png')], ['data'], 'a')
    check_inside(['data/x.png'], ['data/'], 'a')
    check_inside(['other/x.png'], ['data', Path('other')], 'a')
    check_inside(['/x.png'], ['/'], 'a')


@pytest.fixture
def coco(tiny_coco, tmp_path):
    """The tiny data set with the first image somewhere else; ``coco(name)`` renames it."""
    root = tmp_path / 'data' / 'coco'
    shutil.copytree(tiny_coco, root)

    def write(name):
        content = json.loads((root / 'instances.json').read_text())
        content['images'][1]['file_name'] = name
        (root / 'instances.json').write_text(json.dumps(content))
        return root

    return write


def build(root, **kwargs):
    return CocoDataset(
        data_root=f'{root}/', ann_file='instances.json', data_prefix=dict(img='images/'),
        metainfo=dict(classes=('box', 'disc')), pipeline=[], **kwargs,
    )  # fmt: skip


@pytest.mark.parametrize('name', ['../../../secret.png', '/etc/passwd'])
def test_coco_files_name_images_inside(coco, name):
    root = coco(name)
    with pytest.raises(UserError, match=r'instances\.json names 1 files outside of .*data/coco'):
        build(root)
    assert len(build(root, allow_outside=True)) == 4
    assert len(build(coco('../images/1.png'))) == 4  # another way to say the same


def test_data_roots_and_images_may_be_links(coco, tmp_path):
    root = coco('1.png')
    (tmp_path / 'link').symlink_to(root)
    shutil.move(root / 'images', tmp_path / 'elsewhere')
    (root / 'images').symlink_to(tmp_path / 'elsewhere')
    assert len(build(tmp_path / 'link')) == 4


def test_data_sets_without_a_root(coco):
    root = coco('1.png')
    options = dict(metainfo=dict(classes=('box', 'disc')), pipeline=[])
    found = CocoDataset(
        ann_file=str(root / 'instances.json'), data_prefix=dict(img=str(root / 'images')), **options
    )
    assert len(found) == 4


def test_the_check_of_a_coco_file(coco, capsys):
    root = coco('../../../secret.png')
    arguments = [str(root / 'instances.json'), '--images', str(root / 'images')]
    with pytest.raises(UserError, match='outside of'):
        check_dataset(arguments)


def test_lists_of_voc(tmp_path):
    year = tmp_path / 'data' / 'VOC2012'
    for folder in ('Annotations', 'ImageSets/Main', 'JPEGImages'):
        (year / folder).mkdir(parents=True)
    (year / 'ImageSets/Main/train.txt').write_text('../../../secret\n')
    box = '<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>'
    (tmp_path / 'secret.xml').write_text(
        '<annotation><size><width>20</width><height>20</height></size>'
        f'<object><name>cat</name><difficult>0</difficult>{box}</object></annotation>'
    )
    with pytest.raises(UserError, match=r'train\.txt names 2 files outside of'):
        VOCDataset(
            data_root=f'{tmp_path}/data/', ann_file='VOC2012/ImageSets/Main/train.txt',
            data_prefix=dict(sub_data_root='VOC2012/'), metainfo=dict(classes=('cat',)),
            pipeline=[],
        )  # fmt: skip


def test_lists_of_segmentation(tmp_path):
    root = tmp_path / 'data'
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
    for folder in (root, tmp_path):
        Image.new('L', (4, 4)).save(folder / 'secret.png')
    (root / 'list.txt').write_text('../../secret\n')
    options = dict(
        data_root=str(root), ann_file='list.txt', img_suffix='.png', pipeline=[],
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        metainfo=dict(classes=('a', 'b')),
    )  # fmt: skip
    with pytest.raises(UserError, match=r'list\.txt names 2 files outside of'):
        SegmentationDataset(**options)


def test_maps_of_panoptic_annotations(tmp_path):
    Image.new('RGB', (4, 4)).save(tmp_path / 'secret.png')
    (tmp_path / 'maps').mkdir()
    content = dict(
        images=[], categories=[dict(id=1, name='sky', isthing=0)],
        annotations=[dict(image_id=1, file_name='../secret.png', segments_info=[])],
    )  # fmt: skip
    (tmp_path / 'panoptic.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'panoptic\.json names 1 files outside of'):
        panoptic_to_stuff(tmp_path / 'panoptic.json', tmp_path / 'maps', tmp_path / 'out')


def test_lists_of_yolo(tmp_path):
    root = tmp_path / 'data'
    (root / 'images').mkdir(parents=True)
    Image.new('RGB', (8, 8)).save(tmp_path / 'secret.png')
    (tmp_path / 'secret.txt').write_text('0 0.5 0.5 0.5 0.5\n')
    (root / 'train.txt').write_text('../secret.png\n')
    with pytest.raises(UserError, match='outside of'):
        YoloDataset(
            data_root=str(root), ann_file='train.txt', metainfo=dict(classes=('cat',)), pipeline=[]
        )
