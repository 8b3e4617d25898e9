"""Left and right of LIP's parts in a mirror, by a map made by hand."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope
from PIL import Image

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'

# A person seen from the front: arms beside the torso, legs, shoes; the right ones on the left.
MAP = np.array(
    [
        [0, 0, 13, 2, 0, 0],
        [15, 15, 10, 5, 14, 0],
        [0, 17, 17, 16, 0, 255],
        [0, 19, 0, 18, 18, 0],
    ],
    np.uint8,
)
# By hand: from right to left, with 14 and 15, 16 and 17, 18 and 19 exchanged.
MIRRORED = [
    [0, 0, 2, 13, 0, 0],
    [0, 15, 5, 10, 14, 14],
    [255, 0, 17, 16, 16, 0],
    [0, 19, 19, 0, 18, 0],
]
# Upside down is a mirror as well; turned by half a turn is none.
UPSIDE_DOWN = [
    [0, 18, 0, 19, 19, 0],
    [0, 16, 16, 17, 0, 255],
    [14, 14, 10, 5, 15, 0],
    [0, 0, 13, 2, 0, 0],
]
TURNED = [
    [0, 18, 18, 0, 19, 0],
    [255, 0, 16, 17, 17, 0],
    [0, 14, 5, 10, 15, 15],
    [0, 0, 2, 13, 0, 0],
]


@pytest.fixture
def folder(tmp_path):
    """The map for LIP and, with the same numbers, for VOC."""
    for name in ('images', 'maps'):
        (tmp_path / name).mkdir()
    Image.fromarray(np.zeros((*MAP.shape, 3), np.uint8)).save(tmp_path / 'images/a.jpg')
    Image.fromarray(MAP).save(tmp_path / 'maps/a.png')
    (tmp_path / 'list.txt').write_text('a\n')
    return tmp_path


def source(folder, kind, **more):
    """Config of a data set of the folder."""
    return dict(
        type=kind,
        data_root=str(folder),
        ann_file='list.txt',
        data_prefix=dict(img_path='images', seg_map_path='maps'),
        serialize_data=False,
        **more,
    )


def flip_of(name):
    """The recipe's flip, which now always happens."""
    (step,) = (
        s
        for s in Config.fromfile(CONFIGS / '_base_/datasets' / name).train_pipeline
        if 'Flip' in s.type
    )
    return dict(step, prob=1.0)


def pipeline(flip, task=''):
    """Load, flip, pack."""
    return [
        dict(type='mmvisx.LoadImageFromFile'),
        dict(type=f'mmvisx.Load{task or "Seg"}Annotations'),
        flip,
        dict(type=f'mmvisx.Pack{task}Inputs' if task else 'PackSegInputs'),
    ]


def build(cfg):
    """Build in mmseg's scope."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(cfg)


def test_classes_of_the_multi_person_part(folder):
    names = build(source(folder, 'mmvisx.LIPDataset')).metainfo['classes']
    assert (names[10], len(names)) == ('Torso-skin', 20)
    assert names[13:] == (
        'Face', 'Left-arm', 'Right-arm', 'Left-leg', 'Right-leg', 'Left-shoe', 'Right-shoe',
    )  # fmt: skip


@pytest.mark.parametrize(
    ('direction', 'expected'),
    [('horizontal', MIRRORED), ('vertical', UPSIDE_DOWN), ('diagonal', TURNED)],
)
def test_left_and_right_of_lip(folder, direction, expected):
    flip = dict(flip_of('lip.py'), direction=direction)
    data = build(source(folder, 'mmvisx.LIPDataset', pipeline=pipeline(flip)))
    assert data[0]['data_samples'].gt_sem_seg.data[0].tolist() == expected


def test_maps_of_voc_keep_their_classes_in_a_joint_training(folder):
    # 14 to 19 are motorbike, person, plant, sheep, sofa and train there.
    tasks = dict(
        semantic=source(folder, 'mmvisx.PascalVOCDataset'),
        part=source(folder, 'mmvisx.LIPDataset'),
    )
    steps = pipeline(flip_of('multi_task_voc.py'), 'Task')
    data = build(
        dict(type='mmvisx.MultiTaskDataset', tasks=tasks, pipeline=steps, serialize_data=False)
    )
    sample = data[0]['data_samples']
    assert sample.gt_sem_seg_part.data[0].tolist() == MIRRORED
    assert sample.gt_sem_seg_semantic.data[0].tolist() == MAP[:, ::-1].tolist()


def test_classes_of_ones_own(folder):
    classes = ('none', 'left', 'middle', 'right')
    labels = np.array([[1, 2, 3, 0]], np.uint8).repeat(4, 0)
    Image.fromarray(labels).save(folder / 'maps/a.png')
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / 'images/a.jpg')
    meta = dict(classes=classes, mirrored_classes=[('left', 'right')])
    cfg = source(folder, 'mmvisx.SegmentationDataset', metainfo=meta)
    flip = dict(type='mmvisx.RandomFlip', prob=1.0)
    data = build(dict(cfg, pipeline=pipeline(flip)))
    assert data[0]['data_samples'].gt_sem_seg.data[0].tolist() == [[0, 1, 2, 3]] * 4


def test_without_a_flip_nothing_changes(folder):
    with DefaultScope.overwrite_default_scope('mmseg'):
        flip = TRANSFORMS.build(dict(type='mmvisx.RandomFlip', prob=0.0))
    data = build(source(folder, 'mmvisx.LIPDataset', pipeline=pipeline(flip)))
    assert data[0]['data_samples'].gt_sem_seg.data[0].tolist() == MAP.tolist()
