"""Pairs and clips of both layouts, and every fault of their files."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample

from mmvisx.datasets import DVPSDataset, ShapesVideoDataset
from mmvisx.datasets.shapes_video.write import ShapesVideoConfig, make_shapes_video
from mmvisx.utils.errors import UserError
from tests.helpers.vip_deeplab_clips import CLASSES, frame, write, write_clips

LOAD = dict(type='mmvisx.LoadPanopticFrames')


@pytest.fixture
def clips(tmp_path):
    """Arguments of a data set of two clips of three frames."""
    return dict(write_clips(tmp_path), pipeline=[LOAD])


def wanted(clip, number):
    """Codes and metres of a frame, from what was written."""
    _, labels, ids, depth = frame(clip, number)
    return labels + 1000 * ids.astype(int), depth / 256


@pytest.mark.parametrize('layout', ['cityscapes', 'semkitti'])
def test_pairs_of_both_layouts(tmp_path, layout):
    dataset = DVPSDataset(**write_clips(tmp_path, layout), pipeline=[LOAD])
    assert dataset.thing_labels == (0,)
    numbers = [(dataset[k]['video_id'], dataset[k]['frame_id']) for k in range(len(dataset))]
    assert numbers == [('000000', 0), ('000000', 1), ('000001', 0), ('000001', 1)]
    pair = dataset[3]
    for prefix, number in (('', 1), ('next_', 2)):
        codes, depth = wanted(1, number)
        assert np.array_equal(pair[f'{prefix}gt_panoptic_map'], codes)
        assert pair[f'{prefix}gt_panoptic_map'].dtype == np.int32
        assert np.array_equal(pair[f'{prefix}gt_depth_map'], depth.astype(np.float32))
        assert np.array_equal(pair[f'{prefix}img'], frame(1, number)[0])
    assert pair['thing_labels'] == (0,)
    assert pair['ori_shape'] == (12, 20)


def test_the_gap_and_single_frames(clips):
    dataset = DVPSDataset(**clips, gap=2)
    assert len(dataset) == 2
    assert np.array_equal(dataset[1]['next_gt_panoptic_map'], wanted(1, 2)[0])
    single = DVPSDataset(**clips, gap=None)
    assert len(single) == 6
    assert not any(key.startswith('next_') for key in single[5])
    assert single[5]['frame_id'] == 2


class Pack:
    """Packs a frame."""

    def __call__(self, results):
        sample = DetDataSample(metainfo={k: results[k] for k in ('video_id', 'frame_id')})
        return dict(inputs=torch.from_numpy(results['img']).permute(2, 0, 1), data_samples=sample)


def test_whole_clips_for_tests(clips):
    dataset = DVPSDataset(**dict(clips, pipeline=[LOAD, Pack()]), test_mode=True)
    assert len(dataset) == 2
    clip = dataset[1]
    assert clip['inputs'].shape == (3, 3, 12, 20)
    assert np.array_equal(clip['inputs'][2].permute(1, 2, 0), frame(1, 2)[0])
    assert isinstance(clip['data_samples'], TrackDataSample)
    frames = clip['data_samples'].video_data_samples
    assert [(f.video_id, f.frame_id) for f in frames] == [('000001', n) for n in range(3)]
    loaded = DVPSDataset(**clips, test_mode=True)[0]
    assert np.array_equal(loaded['frames'][2]['gt_panoptic_map'], wanted(0, 2)[0])


def test_without_depth(clips, tmp_path):
    for path in tmp_path.glob('*_depth.png'):
        path.unlink()
    with pytest.raises(UserError, match=r'000000_000000_shapes_depth\.png .*with_depth=False'):
        len(DVPSDataset(**clips))
    pair = DVPSDataset(**clips, with_depth=False)[0]
    assert 'gt_depth_map' not in pair
    assert 'gt_panoptic_map' in pair


def test_a_list_of_frames(clips, tmp_path):
    (tmp_path / 'few.txt').write_text('000001_000000\n000001_000001\n000001_000002\n')
    dataset = DVPSDataset(**clips, ann_file='few.txt')
    assert [dataset[k]['frame_id'] for k in range(len(dataset))] == [0, 1]
    assert dataset[0]['video_id'] == '000001'
    # A part of a clip counts from its own first frame.
    (tmp_path / 'few.txt').write_text('000001_000001\n000001_000002\n')
    assert DVPSDataset(**clips, ann_file='few.txt')[0]['frame_id'] == 0
    for lines, message in (
        ('000001_000001\n000001_000000\n', r'clip 000001 out of order: 000000 after 000001'),
        ('000001_000001\n000001_000001\n', r'clip 000001 out of order: 000001 after 000001'),
        ('000001_000007\n', r"ann_file lists '000001_000007', but .* has no 000001_000007_"),
        ('car\n', r"ann_file lists 'car'"),
    ):
        (tmp_path / 'few.txt').write_text(lines)
        with pytest.raises(UserError, match=message):
            len(DVPSDataset(**clips, ann_file='few.txt'))
    with pytest.raises(UserError, match=r'none\.txt, the list of frames, cannot be read'):
        len(DVPSDataset(**clips, ann_file='none.txt'))


def test_classes_of_the_layouts(tmp_path):
    args = {k: v for k, v in write_clips(tmp_path).items() if k != 'metainfo'}
    cityscapes = DVPSDataset(**args)
    assert len(cityscapes.metainfo['classes']) == 19
    assert cityscapes.thing_labels == tuple(range(11, 19))
    kitti = DVPSDataset(**dict(args, layout='semkitti'), lazy_init=True)
    assert kitti.metainfo['classes'][0] == 'car'
    assert len(kitti.metainfo['classes']) == 19
    assert kitti.thing_labels == tuple(range(8))
    assert ShapesVideoDataset(**args).thing_labels == (0, 1, 2, 3)


def test_rendered_clips_read_alike_from_both_layouts(tmp_path):
    found = []
    for layout in ('cityscapes', 'semkitti'):
        config = ShapesVideoConfig(train=1, val=0, frames=2, size=(64, 64), layout=layout)
        make_shapes_video(tmp_path / layout, config)
        root = str(tmp_path / layout)
        found.append(ShapesVideoDataset(root, 'train', layout=layout, pipeline=[LOAD])[0])
    for key in ('img', 'gt_panoptic_map', 'gt_depth_map'):
        for prefix in ('', 'next_'):
            assert np.array_equal(found[0][prefix + key], found[1][prefix + key])
    codes = found[0]['gt_panoptic_map']
    assert len(np.unique(codes)) > 4
    assert (found[0]['gt_depth_map'][codes == 7] == 0).all()
    assert (found[0]['gt_depth_map'][codes < 7] > 1).all()


def missing_frame(folder):
    for path in folder.glob('000001_000001_*'):
        path.unlink()
    return r'clip 000001 of .* has no frame 000001, .* before 000001_000002_shapes_leftImg8bit\.png'


def missing_map(folder):
    path = folder / '000001_000001_shapes_gtFine_instanceTrainIds.png'
    path.unlink()
    return f'{path} does not exist.*cityscapes'


def short_clip(folder):
    for path in [*folder.glob('000001_000001_*'), *folder.glob('000001_000002_*')]:
        path.unlink()
    return r'clip 000001 of .* has 1 frames, a pair with gap=1 needs 2'


def nothing(folder):
    for path in folder.glob('*_leftImg8bit.png'):
        path.unlink()
    return r'has no image SSSSSS_FFFFFF_'


@pytest.mark.parametrize('spoil', [missing_frame, missing_map, short_clip, nothing])
def test_faults_of_the_list_of_files(clips, tmp_path, spoil):
    message = spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        len(DVPSDataset(**clips))


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(layout='kitti'), "layout='kitti' must be one of cityscapes, semkitti"),
        (dict(gap=0), 'gap=0 must be at least 1'),
        (dict(folder='none'), 'none does not exist'),
        (dict(metainfo=dict(classes=CLASSES, thing_classes=('bus',))), "thing_classes.*'bus'"),
    ],
)
def test_wrong_arguments(clips, wrong, message):
    with pytest.raises(UserError, match=message):
        len(DVPSDataset(**dict(clips, **wrong)))


STEM = '000000_000001_shapes'
CODES, DEPTH, IMAGE = (
    f'{STEM}_{k}.png' for k in ('gtFine_instanceTrainIds', 'depth', 'leftImg8bit')
)
ROAD = np.full((12, 20), 1000, np.uint16)


def one(value, array):
    array = array.copy()
    array[3, 4] = value
    return array


METRES = np.full((12, 20), 5.0, np.float32)
FAULTS = {
    'sizes of a pair': (
        {
            IMAGE: np.zeros((14, 20, 3), np.uint8),
            CODES: np.full((14, 20), 1000, np.uint16),
            DEPTH: np.full((14, 20), 900, np.uint16),
        },
        f'{IMAGE} has 20x14 .*, .*000000_000000_shapes_leftImg8bit.png 20x12; the frames of a clip',
    ),
    'size of the map': ({CODES: ROAD[:-2]}, f'{CODES} has 20x10 .*{IMAGE} 20x12'),
    'size of the depth': ({DEPTH: ROAD[:, :-2]}, f'{DEPTH} has 18x12 .*{IMAGE} 20x12'),
    '8-bit depth': ({DEPTH: ROAD.astype(np.uint8)}, f'{DEPTH} has 8 bits: depth x 256 needs 16'),
    'depth 65535': ({DEPTH: one(65535, ROAD)}, f'{DEPTH} has the depth 65535 in 1 pixels'),
    'unknown class': ({CODES: one(5000, ROAD)}, f'{CODES} has the class 5, there are 3 and void'),
    'id over the divisor': (
        {CODES: one(1200, ROAD)},
        f'{CODES} has 1200 at row 3, column 4: class 1 is stuff.*id of 1000 or more',
    ),
    'three channels': ({CODES: np.zeros((12, 20, 3), np.uint8)}, f'{CODES} has 3 channels'),
}


@pytest.mark.parametrize('name', FAULTS)
def test_faults_of_maps(clips, tmp_path, name):
    files, message = FAULTS[name]
    for file, array in files.items():
        write(tmp_path / file, array)
    with pytest.raises(UserError, match=message):
        DVPSDataset(**clips)[0]


@pytest.mark.parametrize('value', [np.nan, -1.0, np.inf])
def test_impossible_depth_in_metres(clips, tmp_path, value):
    path = tmp_path / f'{STEM}_depth.tiff'
    (tmp_path / DEPTH).unlink()
    write(path, METRES)
    assert np.array_equal(DVPSDataset(**clips)[0]['next_gt_depth_map'], METRES)
    write(path, one(value, METRES))
    with pytest.raises(UserError, match=f'{path} has the depth {value} at row 3, column 4'):
        DVPSDataset(**clips)[0]


def test_broken_and_missing_files(clips, tmp_path):
    dataset = DVPSDataset(**clips)
    data = (tmp_path / CODES).read_bytes()
    (tmp_path / CODES).write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=CODES):
        dataset[0]
    (tmp_path / CODES).unlink()
    with pytest.raises(UserError, match=f'{CODES} does not exist'):
        dataset[0]


def test_ids_of_semkitti(tmp_path):
    dataset = DVPSDataset(**write_clips(tmp_path, 'semkitti'), pipeline=[LOAD])
    ids = np.full((12, 20), 20_000, np.uint16)
    write(tmp_path / '000000_000000_gtFine_instance.png', ids)
    codes = dataset[0]['gt_panoptic_map']
    labels = frame(0, 0)[1]
    assert (codes[labels == 0] == 20_000_000).all()  # things
    assert np.array_equal(codes[labels > 0], labels[labels > 0])  # stuff has none
    write(tmp_path / '000000_000000_gtFine_instance.png', ids[1:])
    with pytest.raises(UserError, match=r'000000_000000_gtFine_instance\.png has 20x11 pixels'):
        dataset[0]


def test_frames_of_a_clip_that_differ_in_size(clips, tmp_path):
    for name, array in FAULTS['sizes of a pair'][0].items():
        write(tmp_path / name, array)
    dataset = DVPSDataset(**dict(clips, pipeline=[LOAD, Pack()]), test_mode=True)
    with pytest.raises(UserError, match=f'{IMAGE} has .14, 20. pixels'):
        dataset[0]


@pytest.mark.realdata
def test_a_clip_of_kitti(realdata):
    root = realdata / 'kitti_step_clip'
    dataset = DVPSDataset(str(root), pipeline=[LOAD])
    assert len(dataset) == 9
    pair = dataset[4]
    codes = cv2.imread(str(root / '000000_000005_gtFine_instanceTrainIds.png'), -1).astype(int)
    tracked = (codes // 1000 == 13) & (codes % 1000 > 0)
    assert tracked.sum() > 1000
    expected = 13 + 1000 * (codes[tracked] - 13000)
    assert np.array_equal(pair['next_gt_panoptic_map'][tracked], expected)
    assert (pair['next_gt_panoptic_map'][codes == 32000] == 255).all()
    assert 0 < pair['gt_depth_map'].max() < 100
