"""The files of rendered clips."""

import hashlib
import json
import re

import cv2
import numpy as np
import pytest

from mmvisx.datasets.shapes_video.write import ShapesVideoConfig, make_shapes_video
from mmvisx.utils.errors import UserError

CONFIG = dict(train=2, val=1, frames=4, size=(64, 64))


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp('clips') / 'out'
    config = ShapesVideoConfig(**CONFIG, stereo=True, lidar=True)
    assert make_shapes_video(out, config)
    assert not make_shapes_video(out, config)  # it is there already
    return out


def read(folder, name):
    image = cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)
    assert image is not None, name
    return image


def test_workers_change_no_byte(folder, tmp_path):
    config = ShapesVideoConfig(**CONFIG, stereo=True, lidar=True)
    make_shapes_video(tmp_path / 'two', config, workers=2)
    assert digests(tmp_path / 'two') == digests(folder)


def test_names_and_encodings_of_cityscapes(folder):
    names = sorted(p.name for p in (folder / 'train').iterdir())
    pattern = (
        r'\d{6}_\d{6}_shapes_\d{6}_\d{6}_'
        r'(leftImg8bit\.png|gtFine_instanceTrainIds\.png|depth\.png|rightImg8bit\.png|velodyne\.bin)'
    )
    assert all(re.fullmatch(pattern, name) for name in names)
    assert len(names) == 2 * 4 * 5
    image, codes, depth = (
        read(folder / 'train', f'000001_000002_shapes_000001_000002_{kind}.png')
        for kind in ('leftImg8bit', 'gtFine_instanceTrainIds', 'depth')
    )
    assert image.shape == (64, 64, 3)
    assert (codes.dtype, codes.shape) == (np.uint16, (64, 64))
    assert (depth.dtype, depth.shape) == (np.uint16, (64, 64))
    assert set((codes[codes >= 4000] % 1000).tolist()) == {0}  # stuff and void: no id
    sky = codes == 7000
    assert (depth[sky] == 0).all()
    assert (depth[~sky & (codes != 32000)] > 0).all()
    assert (codes == 32000).any()


def test_both_layouts_hold_the_same(folder, tmp_path):
    config = ShapesVideoConfig(**CONFIG, layout='semkitti')
    make_shapes_video(tmp_path / 'other', config)
    train = tmp_path / 'other' / 'train'
    assert len(list(train.iterdir())) == 2 * 4 * 4
    for stem in ('000000_000003', '000001_000001'):
        one = f'{stem}_shapes_{stem}_'
        labels, ids = (read(train, f'{stem}_gtFine_{k}.png') for k in ('class', 'instance'))
        assert labels.dtype == np.uint8
        wanted = read(folder / 'train', f'{one}gtFine_instanceTrainIds.png').astype(int)
        assert np.array_equal(np.where(wanted == 32000, 255, wanted // 1000), labels)
        assert np.array_equal(np.where(wanted == 32000, 0, wanted % 1000), ids)
        assert np.array_equal(
            read(train, f'{stem}_depth_51.2.png'), read(folder / 'train', f'{one}depth.png')
        )
        assert np.array_equal(
            read(train, f'{stem}_leftImg8bit.png'), read(folder / 'train', f'{one}leftImg8bit.png')
        )


def test_depth_in_the_files_is_that_of_the_pinhole_model(folder):
    """By the intrinsics and the pose in the JSON file."""
    clip = json.loads((folder / 'train.json').read_text())['clips'][0]
    stem = '000000_000001_shapes_000000_000001_'
    codes = read(folder / 'train', f'{stem}gtFine_instanceTrainIds.png')
    depth = read(folder / 'train', f'{stem}depth.png') / 256
    rows, columns = np.nonzero((codes == 4000) | (codes == 5000))
    pose = np.array(clip['frames'][1]['pose'])
    rays = np.linalg.inv(clip['intrinsics']) @ np.stack([columns, rows, np.ones_like(rows)])
    down = (pose[:3, :3] @ rays)[2]
    assert len(rows) > 500
    assert depth[rows, columns] == pytest.approx(-pose[2, 3] / down, abs=0.51 / 256)


def test_boxes_ids_and_visibility(folder):
    clips = json.loads((folder / 'train.json').read_text())['clips']
    hidden = 0
    for clip in clips:
        kinds = {}
        for number, frame in enumerate(clip['frames']):
            stem = f'{clip["video_id"]}_{number:06d}_shapes_{clip["video_id"]}_{number:06d}_'
            codes = read(folder / 'train', f'{stem}gtFine_instanceTrainIds.png').astype(int)
            known = {o['id']: o for o in frame['objects'] if not o['crowd']}
            seen = set(np.unique(codes[(codes < 32000) & (codes % 1000 > 0)]).tolist())
            assert {code % 1000 for code in seen} <= known.keys()
            for code in seen:  # one class along the track
                assert kinds.setdefault(code % 1000, code // 1000) == code // 1000
                left, top, right, bottom = known[code % 1000]['box']
                rows, columns = np.nonzero(codes == code)
                assert left - 1 <= columns.min() <= columns.max() <= right + 1
                assert top - 1 <= rows.min() <= rows.max() <= bottom + 1
            for number_, thing in known.items():
                assert 0 <= thing['visibility'] <= 1
                hidden += thing['visibility'] == 0
                assert thing['visibility'] > 0 or number_ not in {c % 1000 for c in seen}
    assert hidden


def test_the_motion_in_the_file_is_the_one_asked_for(tmp_path):
    make_shapes_video(tmp_path / 'out', ShapesVideoConfig(2, 0, 5, (64, 64), motion=(0.6, 0.9)))
    steps = []
    for clip in json.loads((tmp_path / 'out' / 'train.json').read_text())['clips']:
        for before, after in zip(clip['frames'], clip['frames'][1:], strict=False):
            boxes = {o['id']: o['box'] for o in after['objects']}
            for thing in before['objects']:
                if thing['id'] in boxes and not thing['crowd']:
                    a, b = np.array(thing['box']), np.array(boxes[thing['id']])
                    move = np.hypot(*((b[:2] + b[2:]) - (a[:2] + a[2:]))) / 2
                    steps.append(move / (a[2] - a[0]))
    assert len(steps) > 10
    assert min(steps) > 0.599
    assert max(steps) < 0.901


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(train=0), '--train 0'),
        (dict(frames=1), '--frames 1'),
        (dict(size=(32, 96)), '--size 32 96'),
        (dict(motion=(1.0, 0.5)), '--motion 1.0 0.5'),
        (dict(class_colour=2.0), '--class-colour 2.0'),
        (dict(layout='kitti'), '--layout kitti'),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(UserError, match=message):
        ShapesVideoConfig(**wrong)


def test_other_folders_are_left_alone(folder, tmp_path):
    (tmp_path / 'mine.txt').write_text('mine')
    with pytest.raises(UserError, match='holds no rendered clips'):
        make_shapes_video(tmp_path, ShapesVideoConfig(**CONFIG), force=True)
    with pytest.raises(UserError, match='--force'):
        make_shapes_video(folder, ShapesVideoConfig(**CONFIG))
