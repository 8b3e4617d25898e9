import copy
import json

import numpy as np
import pytest
from pycocotools import mask as rle

from mmvisx.analysis.detection_elephant_patch import common_part, patch_canvas
from mmvisx.analysis.detection_elephant_report import (
    compare_step,
    covered_part,
    elephant_report,
    read_record,
)
from mmvisx.utils import UserError

SETTINGS = {'score_thr': 0.3, 'iou_thr': 0.5, 'max_covered': 0.2}
DOG = {'label': 'dog', 'score': 0.9, 'box': [0.0, 0.0, 10.0, 10.0]}
CAT = {'label': 'cat', 'score': 0.6, 'box': [20.0, 0.0, 30.0, 10.0]}
SIZE = (20, 40)


def found(label, score, x, y=0.0, width=10.0):
    return {'label': label, 'score': score, 'box': [x, y, x + width, y + 10.0]}


def packed(mask):
    code = rle.encode(np.asfortranarray(np.array(mask, np.uint8)))
    return {'mask': {'size': code['size'], 'counts': code['counts'].decode()}}


def step(*detections, canvas=None):
    canvas = np.zeros(SIZE, bool) if canvas is None else canvas
    return compare_step([DOG, CAT], detections, canvas, **SETTINGS)


def states(result):
    return [(state['state'], state['score'], state['label']) for state in result['objects']]


def test_nothing_changes():
    result = step(DOG, CAT)
    assert states(result) == [('kept', 0.9, 'dog'), ('kept', 0.6, 'cat')]
    assert (result['patch'], result['appeared']) == (None, [])


@pytest.mark.parametrize(
    ('detections', 'dog'),
    [
        ([found('dog', 0.5, 0.0)], ('kept', 0.5, 'dog')),
        ([found('dog', 0.5, 3.0)], ('kept', 0.5, 'dog')),  # overlap 7 / 13
        ([found('dog', 0.5, 4.0)], ('lost', 0.0, None)),  # overlap 6 / 14
        ([found('dog', 0.2, 0.0)], ('lost', 0.2, None)),
        ([], ('lost', 0.0, None)),
        ([found('cow', 0.7, 0.0)], ('flipped', 0.0, 'cow')),
        ([found('cow', 0.7, 0.0), found('dog', 0.1, 0.0)], ('flipped', 0.1, 'cow')),
        ([found('cow', 0.2, 0.0)], ('lost', 0.0, None)),
        ([found('cow', 0.7, 0.0), found('dog', 0.4, 0.0)], ('kept', 0.4, 'dog')),
    ],
)
def test_states_of_an_object(detections, dog):
    assert states(step(*detections, CAT)) == [dog, ('kept', 0.6, 'cat')]


def test_a_detection_belongs_to_one_object():
    """Two dogs at nearly one place; the one that stays is the nearer one's."""
    dogs = [DOG, {**DOG, 'score': 0.8, 'box': [2.0, 0.0, 12.0, 10.0]}]
    result = compare_step(dogs, [found('dog', 0.7, 1.9)], np.zeros(SIZE, bool), **SETTINGS)
    assert [state['state'] for state in result['objects']] == ['lost', 'kept']


def test_detections_that_no_object_explains():
    new, twice = found('cow', 0.9, 0.0, 10.0), found('cow', 0.5, 0.0)
    result = step(DOG, CAT, new, twice, found('cow', 0.29, 30.0))
    assert result['appeared'] == [new, twice]


def test_the_patch_itself():
    canvas = np.zeros(SIZE, bool)
    canvas[10:20, 0:10] = True
    on_patch = [found('cow', 0.5, 0.0, 10.0), found('elephant', 0.7, 1.0, 10.0)]
    result = step(DOG, CAT, *on_patch, canvas=canvas)
    assert result['patch'] == on_patch[1]
    assert result['appeared'] == []


def test_objects_under_the_patch_are_hidden():
    canvas = np.zeros(SIZE, bool)
    canvas[:, :2] = True  # a fifth of the dog
    assert states(step(CAT, canvas=canvas))[0] == ('lost', 0.0, None)
    canvas[:, :3] = True
    result = step(DOG, CAT, canvas=canvas)
    assert result['objects'][0]['state'] == 'hidden'
    assert result['objects'][0]['covered'] == 0.3
    assert result['appeared'] == []


@pytest.mark.parametrize('position', [(1, 0), (-1, 0), (3, 1), (4, 0), (0, -2), (-3, 5), (9, -9)])
def test_where_the_patch_is_seen(position):
    """Against a loop over the patch's pixels, in an image of 2 x 4."""
    patch = packed([[1, 1, 0], [0, 1, 1]])
    canvas = patch_canvas(patch, position, (2, 4))
    slow = np.zeros((2, 4), bool)
    for y, row in enumerate([[1, 1, 0], [0, 1, 1]]):
        for x, value in enumerate(row):
            u, v = x + position[0], y + position[1]
            if value and 0 <= u < 4 and 0 <= v < 2:
                slow[v, u] = True
    assert np.array_equal(canvas, slow)
    inside, part = common_part(position, (2, 3), (2, 4))
    assert canvas[inside].shape == np.zeros((2, 3))[part].shape


def test_covered_part():
    canvas = np.zeros((4, 4), bool)
    canvas[:, :2] = True
    assert covered_part([1, 0, 3, 4], canvas) == 0.5
    assert covered_part([-5, 0, 2, 4], canvas) == 1  # only what lies inside counts
    assert covered_part([4, 0, 9, 4], canvas) == 0


@pytest.fixture
def record():
    """The dog is kept, falls, turns into a cow and is hidden; the cat is lost at the end."""
    detections = [
        [DOG, CAT],
        [found('dog', 0.5, 0.0), CAT, found('cow', 0.4, 20.0, 10.0)],
        [found('cow', 0.5, 0.0), CAT],
        [],
    ]
    xs = [40, 40, 40, 0]
    record = {
        'settings': SETTINGS,
        'image': {'height': SIZE[0], 'width': SIZE[1]},
        'patch': packed(np.ones((10, 10))),
        'reference': [DOG, CAT, found('rat', 0.1, 0.0)],
        'steps': [
            {'position': [x, 0], 'detections': items}
            for x, items in zip(xs, detections, strict=True)
        ],
    }
    return record | {'report': elephant_report(record)}


def test_report_by_hand(record):
    dog, cat = record['report']['objects']
    assert dog == DOG | {
        'visible': 3,
        'kept': 2,
        'flipped': 1,
        'lost': 0,
        'flipped_to': {'cow': 1},
        'mean_drop': pytest.approx((0 + 0.4 + 0.9) / 3),
        'max_drop': 0.9,
    }
    assert (cat['visible'], cat['kept'], cat['lost'], cat['max_drop']) == (4, 3, 1, 0.6)
    assert record['report']['total'] == {
        'objects': 2,
        'steps': 4,
        'object_steps': 7,
        'kept': 5 / 7,
        'flipped': 1 / 7,
        'lost': 1 / 7,
        'mean_drop': pytest.approx(1.9 / 7),
        'max_drop': 0.9,
        'appeared_per_step': 0.25,
    }
    assert record['report']['patch'] == {'detected': 0.0, 'labels': {}}


def test_report_follows_from_the_file(record, tmp_path):
    path = tmp_path / 'elephant.json'
    path.write_text(json.dumps(record))
    read = read_record(path)
    assert elephant_report(read) == read['report'] == record['report']
    changed = copy.deepcopy(read)
    changed['steps'][0]['detections'][0]['score'] = 0.8
    assert elephant_report(changed) != read['report']


def test_an_object_that_is_always_hidden(record):
    record['steps'] = record['steps'][3:]
    record['reference'] = [DOG]
    report = elephant_report(record)
    assert report['objects'][0]['mean_drop'] is None
    assert report['total']['lost'] is None


@pytest.mark.parametrize('text', ['', '[]', '{"settings": {}}'])
def test_other_files(text, tmp_path):
    path = tmp_path / 'a.json'
    with pytest.raises(UserError, match=r'a\.json cannot be read'):
        read_record(path)
    path.write_text(text)
    with pytest.raises(UserError, match=r'a\.json (cannot be read|is no record)'):
        read_record(path)
