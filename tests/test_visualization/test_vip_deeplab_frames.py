"""Pictures of frames with segments and depth."""

import numpy as np
import pytest

from mmvisx.datasets import DVPSDataset
from mmvisx.datasets.transforms import PackPanopticFrames
from mmvisx.utils.errors import UserError
from mmvisx.visualization.vip_deeplab_frames import (
    depth_colours,
    draw_boxes_or_frames,
    draw_frames,
    segment_colours,
)
from tests.helpers.vip_deeplab_clips import frame, write_clips

PALETTE = [(200, 20, 60), (0, 110, 200), (250, 170, 30)]
PIPELINE = [dict(type='mmvisx.LoadPanopticFrames'), dict(type='mmvisx.PackPanopticFrames')]


def test_colours_of_segments():
    codes = np.array([[1, 1, 255, 2], [1000, 2000, 1000, 3000]], np.int32)
    colours = segment_colours(codes, PALETTE, [0])
    assert tuple(colours[0, 0]) == PALETTE[1]
    assert tuple(colours[0, 2]) == (0, 0, 0)
    assert np.array_equal(colours[1, 0], colours[1, 2])
    assert len({tuple(c) for c in colours[1]}) == 3  # each id has a shade
    ratio = colours[1] / np.array(PALETTE[0])
    assert np.ptp(ratio, axis=1).max() < 0.03  # of the class's colour
    crowd = segment_colours(np.zeros((6, 6), np.int32), PALETTE, [0])
    assert {tuple(c) for c in crowd.reshape(-1, 3).tolist()} == {PALETTE[0], (0, 0, 0)}


def test_colours_of_depth():
    depth = np.array([[0, 1, 2, 10, 30, 88, 200]], float)
    colours = depth_colours(depth)[0].astype(int)
    assert tuple(colours[0]) == (0, 0, 0)
    assert np.array_equal(colours[1], colours[2])
    assert np.array_equal(colours[5], colours[6])
    assert len({tuple(c) for c in colours.tolist()}) == 5
    assert colours[2, 0] > colours[2, 2]  # near is red
    assert colours[5, 2] > colours[5, 0]  # far is blue


@pytest.mark.parametrize(
    ('args', 'rows'), [(dict(), 2), (dict(gap=None), 1), (dict(test_mode=True), 3)]
)
def test_image_segments_and_depth_stand_side_by_side(tmp_path, args, rows):
    dataset = DVPSDataset(**write_clips(tmp_path), pipeline=PIPELINE, **args)
    picture = draw_boxes_or_frames(dataset[0], dataset.metainfo)
    times = 320 // 20
    assert picture.shape[0] >= rows * 12 * times
    panels = picture[: rows * 12 * times : times, : 3 * 20 * times : times]
    for number in range(rows):
        row = panels[12 * number : 12 * (number + 1)]
        image, labels, ids, depth = frame(0, number)
        assert np.array_equal(row[:, :20], image[..., ::-1])
        assert (row[:, 20:40][labels == 255] == 0).all()
        car = row[:, 20:40][ids == 4]
        assert (car == car[0]).all()
        assert np.array_equal(row[:, 40:], depth_colours(depth / 256))


def test_frames_without_depth_have_no_panel_of_it(tmp_path):
    args = write_clips(tmp_path)
    with_depth, without = (
        DVPSDataset(**args, pipeline=PIPELINE, with_depth=flag)[0] for flag in (True, False)
    )
    meta = DVPSDataset(**args).metainfo
    widths = [draw_frames(data, meta).shape[1] for data in (with_depth, without)]
    assert widths[0] - widths[1] == 320


def test_frames_without_segments(tmp_path):
    packed = PackPanopticFrames()(dict(img=np.zeros((4, 6, 3), np.uint8)))
    meta = dict(classes=('a',), thing_classes=())
    with pytest.raises(UserError, match=r'mmvisx\.LoadPanopticFrames'):
        draw_frames(packed, meta)
