"""The elephant test from a picture to its record, with a detector that finds colours."""

import json

import cv2
import numpy as np
import pytest

from mmvisx.analysis.detection_elephant import DetectionElephant
from mmvisx.analysis.detection_elephant_patch import (
    load_patch,
    paste_patch,
    path_positions,
    scenes,
)
from mmvisx.analysis.detection_elephant_report import compare_steps, elephant_report
from mmvisx.cli.analysis.elephant import detections_of
from mmvisx.utils import UserError
from mmvisx.visualization.detection_elephant import (
    draw_steps,
    plot_scores,
    strip,
    with_legend,
    write_video,
)

COLOURS = {'red': (0, 0, 255), 'green': (0, 255, 0), 'blue': (255, 0, 0)}


class ColourDetector:
    """Finds the rectangle around each colour; scores are the part of it that has the colour.

    A blue pixel anywhere makes it see green as red.
    """

    def __init__(self, *_, **__):
        pass

    def __call__(self, image):
        found = {'label_names': [], 'scores': [], 'bboxes': []}
        for name, colour in COLOURS.items():
            mask = (image == colour).all(axis=2)
            ys, xs = np.nonzero(mask)
            if len(ys):
                box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
                confused = name == 'green' and (image == COLOURS['blue']).all(axis=2).any()
                found['label_names'].append('red' if confused else name)
                found['scores'].append(mask[box[1] : box[3], box[0] : box[2]].mean())
                found['bboxes'].append(box)
        return {'predictions': [found]}


@pytest.fixture
def room():
    image = np.full((40, 60, 3), 255, np.uint8)
    image[5:15, 5:15] = COLOURS['red']
    image[25:35, 40:50] = COLOURS['green']
    return image


DETECT = detections_of(ColourDetector())
PATCH = (np.full((6, 4, 3), COLOURS['blue'], np.uint8), np.ones((6, 4), bool))


def test_record_and_pictures(room, tmp_path):
    positions = path_positions([(0, 0.9), (1, 0.9)], 5, room.shape, (6, 4))
    record = DetectionElephant().measure(DETECT, room, *PATCH, positions)
    record = json.loads(json.dumps(record))
    assert elephant_report(record) == record['report']
    red, green = record['report']['objects']
    assert (red['label'], red['kept'], red['visible']) == ('red', 5, 5)
    assert green['flipped'] == green['visible'] == 5
    assert green['flipped_to'] == {'red': 5}
    assert green['mean_drop'] == 1.0
    assert record['report']['patch'] == {'detected': 1.0, 'labels': {'blue': 5}}

    states = compare_steps(record)
    pictures = draw_steps(record, states, scenes(room, *PATCH, positions))
    assert [p.shape for p in pictures] == [room.shape] * 5
    row = strip(pictures, count=3, height=20)
    assert row.shape == (20, 3 * 30 + 2 * 4, 3)
    assert not np.array_equal(row[:, :30], row[:, -30:])
    video = cv2.VideoCapture(str(write_video(pictures, tmp_path / 'new' / 'a.mp4')))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert plot_scores(record, states, tmp_path / 'scores.png').stat().st_size > 1000


def test_nothing_to_compare():
    with pytest.raises(UserError, match=r'finds nothing with a score of 0\.3'):
        DetectionElephant().measure(DETECT, np.zeros((9, 9, 3), np.uint8), *PATCH, [(0, 0)])


@pytest.mark.parametrize('setting', ['score_thr', 'iou_thr', 'max_covered'])
def test_settings_out_of_range(setting):
    for value in (-0.1, 1.1):
        with pytest.raises(UserError, match=f'{setting}={value} should be in'):
            DetectionElephant(**{setting: value})


def test_path_has_an_even_pace():
    """A right angle of 30 + 40 pixels in 8 steps: 10 pixels a step."""
    positions = path_positions([(0, 0), (0.5, 0), (0.5, 1)], 8, (40, 60), (2, 4))
    expected = [(x, 0) for x in (0, 10, 20, 30)] + [(30, y) for y in (10, 20, 30, 40)]
    assert positions == [(x - 2, y - 1) for x, y in expected]
    assert path_positions([(0.5, 0.5)] * 2, 2, (40, 60), (2, 4)) == [(28, 19)] * 2


@pytest.mark.parametrize(('points', 'steps'), [([(0, 0)], 3), ([(0, 0), (1, 1)], 0)])
def test_no_path(points, steps):
    with pytest.raises(UserError, match='a path needs two points'):
        path_positions(points, steps, (40, 60), (2, 4))


def test_paste_with_mask_and_border(room):
    pixels = np.full((4, 4, 3), 7, np.uint8)
    mask = np.eye(4, dtype=bool)
    pasted = paste_patch(room, pixels, mask, (58, 37))
    changed = np.argwhere((pasted != room).any(axis=2))
    assert changed.tolist() == [[37, 58], [38, 59]]
    assert (pasted[37, 58] == 7).all()
    assert np.array_equal(paste_patch(room, pixels, mask, (60, 0)), room)


@pytest.fixture
def zoo(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    image[..., 3] = 0
    image[5:10, 6:12, 3] = 255
    path = tmp_path / 'zoo.png'
    cv2.imwrite(str(path), image)
    return path, image


def test_patch_from_a_box_and_the_alpha_channel(zoo):
    path, image = zoo
    pixels, mask = load_patch(path, (4, 3, 14, 13))
    assert np.array_equal(pixels, image[3:13, 4:14, :3])
    assert np.array_equal(mask, image[3:13, 4:14, 3] > 0)
    pixels, mask = load_patch(path, (4, 3, 14, 13), scale=2)
    assert pixels.shape == (20, 20, 3)
    assert mask.sum() == 4 * 30


def test_patch_from_a_mask_file_and_a_grey_image(tmp_path):
    image, mask = np.full((8, 9), 40, np.uint8), np.zeros((8, 9), np.uint8)
    mask[2:4] = 3
    cv2.imwrite(str(tmp_path / 'grey.png'), image)
    cv2.imwrite(str(tmp_path / 'mask.png'), mask)
    pixels, taken = load_patch(tmp_path / 'grey.png', None, tmp_path / 'mask.png')
    assert (pixels == 40).all()
    assert pixels.shape == (8, 9, 3)
    assert np.array_equal(taken, mask > 0)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(box=(0, 0, 31, 5)), r'\[0, 0, 31, 5\] .* 30 wide and 20 high'),
        (dict(box=(5, 0, 5, 5)), 'should be x1 y1 x2 y2'),
        (dict(box=(0, 0, 4, 4)), 'no pixel in the box'),
        (dict(scale=0.01), 'scale 0.01 leaves 0 x 0'),
        (dict(scale=-1), 'scale -1 leaves'),
    ],
)
def test_bad_patches(zoo, arguments, message):
    with pytest.raises(UserError, match=message):
        load_patch(zoo[0], **arguments)


def test_files_that_do_not_fit(zoo, tmp_path):
    cv2.imwrite(str(tmp_path / 'm.png'), np.ones((5, 5), np.uint8))
    with pytest.raises(UserError, match=r'm\.png has the size \(5, 5\)'):
        load_patch(zoo[0], mask_file=tmp_path / 'm.png')
    with pytest.raises(UserError, match=r'no\.png does not exist'):
        load_patch(tmp_path / 'no.png')
    cv2.imwrite(str(tmp_path / 'deep.png'), np.ones((5, 5), np.uint16))
    with pytest.raises(UserError, match='is of type uint16'):
        load_patch(tmp_path / 'deep.png')


@pytest.mark.parametrize('width', [60, 700, 2000])
def test_the_colours_have_a_legend(width):
    picture = np.full((40, width, 3), 90, np.uint8)
    full = with_legend(picture)
    assert np.array_equal(full[:40, :width], picture)
    band = full[40:].reshape(-1, 3)
    # BGR of green, orange, red, grey, blue and violet.
    for colour in ((80, 200, 80), (0, 150, 255), (40, 40, 230), (170, 170, 170), (230, 140, 60),
                   (220, 60, 220)):  # fmt: skip
        assert (band == colour).all(axis=1).sum() > 50
    assert (full[40:, -1] == 255).all()  # nothing is cut off
