"""Panoptic quality: by hand, against a slow loop, and on real ground truth."""

import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.evaluation.panoptic.format import id_to_rgb
from mmvisx.evaluation.panoptic.quality import (
    PanopticScores,
    evaluate_panoptic,
    joint_areas,
    panoptic_statistics,
)
from mmvisx.utils import UserError

THING, OTHER, STUFF = 1, 2, 9
CATEGORIES = [
    {'id': THING, 'name': 'thing', 'isthing': 1},
    {'id': OTHER, 'name': 'other', 'isthing': 1},
    {'id': STUFF, 'name': 'stuff', 'isthing': 0},
]
IDS = [category['id'] for category in CATEGORIES]


def row(text):
    """Return ids, one a letter: '.' is 0, 'a' is 1, ..."""
    return np.array([[0 if c == '.' else ord(c) - ord('a') + 1 for c in text]], np.int32)


def segments(crowds='', **categories):
    """Return segments_info; ``a=THING`` is the segment that ``row`` writes 'a'."""
    return [
        {'id': ord(c) - ord('a') + 1, 'category_id': category, 'iscrowd': int(c in crowds)}
        for c, category in categories.items()
    ]


def statistics(truth, prediction, true, predicted):
    """Return the statistics of two rows."""
    return panoptic_statistics(row(truth), row(prediction), true, predicted, IDS)


def test_areas_of_pairs():
    assert joint_areas(row('aab.'), row('b.b.')) == {(1, 2): 1, (1, 0): 1, (2, 2): 1, (0, 0): 1}


def test_by_hand():
    found = statistics(
        #  a: 10, b: 6, void: 4
        'aaaaaaaaaabbbbbb....',
        'aaaaaaaa..bbb...aacc',
        segments(a=THING, b=STUFF),
        segments(a=THING, b=STUFF, c=THING),
    )
    # a: 8 / (10 + 10 - 8 - 2 void) = 0.8; b: 3 / 6 is not above 0.5; c is all void.
    expected = [[0.8, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]
    assert found == pytest.approx(np.array(expected, float))
    metrics = PanopticScores(found, CATEGORIES).metrics()
    assert metrics == pytest.approx(
        {
            'PQ': 0.4, 'SQ': 0.4, 'RQ': 0.5,
            'PQ_th': 0.8, 'SQ_th': 0.8, 'RQ_th': 1.0,
            'PQ_st': 0.0, 'SQ_st': 0.0, 'RQ_st': 0.0,
        }
    )  # fmt: skip


def test_quality_is_segmentation_times_recognition():
    found = np.array([[1.5, 2, 1, 2], [0, 0, 0, 0], [0, 0, 0, 3]])
    pq, sq, rq = PanopticScores(found, CATEGORIES).per_class().T
    assert pq[0] == pytest.approx(1.5 / (2 + 0.5 + 1))
    assert (sq[0], rq[0]) == pytest.approx((0.75, 2 / 3.5))
    assert np.isnan([pq[1], sq[1], rq[1]]).all()  # does not occur
    assert (pq[2], sq[2], rq[2]) == (0, 0, 0)  # is missed


def test_category_must_be_the_same():
    found = statistics('aaaa', 'aaaa', segments(a=THING), segments(a=OTHER))
    assert found[:, 1:].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(('truth', 'false_positives'), [('aa..', 1), ('a...', 0)])
def test_more_than_half_void_is_no_false_positive(truth, false_positives):
    found = statistics(truth, 'aaaa', segments(a=OTHER), segments(a=THING))
    assert found[0].tolist() == [0, 0, false_positives, 0]


@pytest.mark.parametrize(
    ('crowd', 'false_positives'),
    [(THING, 0), (OTHER, 1)],
)
def test_crowd_excuses_predictions_of_its_category(crowd, false_positives):
    found = statistics('bbba', 'aaa.', segments('b', a=STUFF, b=crowd), segments(a=THING))
    assert found[0].tolist() == [0, 0, false_positives, 0]
    assert found[1].tolist() == [0, 0, 0, 0]  # a crowd is never missed


def test_crowd_void_and_second_crowd_excuse_together():
    found = statistics(
        'ab.cccc', 'aaaaa..', segments('ab', a=THING, b=THING, c=STUFF), segments(a=THING)
    )
    assert found[0].tolist() == [0, 0, 0, 0]  # 3 of 5


def test_crowd_matches_nothing():
    found = statistics('aaaa', 'aaaa', segments('a', a=THING), segments(a=THING))
    assert not found.any()


def slow_statistics(truth, prediction, true, predicted):
    """Write the definition down as sets of pixels."""
    pixels = list(np.ndindex(truth.shape))
    void = {p for p in pixels if truth[p] == 0}
    t_sets = {s['id']: {p for p in pixels if truth[p] == s['id']} for s in true}
    p_sets = {s['id']: {p for p in pixels if prediction[p] == s['id']} for s in predicted}
    rows = {category: [0.0, 0, 0, 0] for category in IDS}
    matched = []
    for t in true:
        for p in predicted:
            inside = p_sets[p['id']] - void
            iou = len(t_sets[t['id']] & inside) / len(t_sets[t['id']] | inside)
            if t['category_id'] == p['category_id'] and not t['iscrowd'] and iou > 0.5:
                rows[t['category_id']][0] += iou
                rows[t['category_id']][1] += 1
                matched += [('t', t['id']), ('p', p['id'])]
    for t in true:
        rows[t['category_id']][3] += not t['iscrowd'] and ('t', t['id']) not in matched
    for p in predicted:
        excused = set(void)
        for t in true:
            if t['iscrowd'] and t['category_id'] == p['category_id']:
                excused |= t_sets[t['id']]
        mine = p_sets[p['id']]
        wrong = ('p', p['id']) not in matched and len(mine & excused) <= len(mine) / 2
        rows[p['category_id']][2] += wrong
    return np.array([rows[category] for category in IDS])


def random_case(seed):
    """Return two maps and their segments, mostly the same so that there are matches."""
    random = np.random.default_rng(seed)
    truth = np.kron(random.integers(0, 6, (4, 4)), np.ones((3, 3), int)).astype(np.int32)
    prediction = np.where(random.random(truth.shape) < 0.7, truth, random.integers(0, 7, (12, 12)))
    categories = random.choice(IDS, 7)
    true = [
        {'id': int(k), 'category_id': int(categories[k]), 'iscrowd': int(random.random() < 0.3)}
        for k in np.unique(truth)
        if k
    ]
    predicted = [
        {'id': int(k), 'category_id': int(categories[k])} for k in np.unique(prediction) if k
    ]
    return truth, prediction, true, predicted


@pytest.mark.parametrize('seed', range(30))
def test_slow_loop(seed):
    case = random_case(seed)
    assert panoptic_statistics(*case, IDS) == pytest.approx(slow_statistics(*case))


def test_random_cases_cover_matches_misses_and_false_positives():
    totals = sum(slow_statistics(*random_case(seed)).sum(axis=0) for seed in range(30))
    assert (totals > 5).all()


@pytest.mark.parametrize(
    ('prediction', 'predicted', 'message'),
    [
        ('aaaa.', segments(a=THING), 'prediction has 1 x 5 pixels'),
        ('aabb', segments(a=THING), 'prediction: PNG and JSON .* 2 only in the PNG'),
        ('aaaa', segments(a=THING, b=THING), 'prediction: .* 2 only in the JSON'),
        ('aaaa', segments(a=77), 'category 77 of segment 1'),
        ('aaaa', segments(a=THING) * 2, 'two segments of an image have the same id'),
    ],
)
def test_what_does_not_fit(prediction, predicted, message):
    with pytest.raises(UserError, match=message):
        statistics('aaaa', prediction, segments(a=THING), predicted)


def test_table_shows_the_classes_that_occur():
    table = PanopticScores(np.array([[0.8, 1, 0, 0], [0] * 4, [0] * 4]), CATEGORIES).table()
    assert '| thing  | thing | 1  | 0  | 0  | 0.800 | 0.800 | 1.000 |' in table
    assert 'other' not in table
    assert '| stuff  |       |    |    |    | -     | -     | -     |' in table


@pytest.fixture
def files(tmp_path):
    """Write truth.json and prediction.json with their folders; returns both paths."""
    truth, prediction = row('aaaaaaaaaabbbbbb....'), row('aaaaaaaa..bbb...aa..')
    for name, ids in (('truth', truth), ('prediction', prediction)):
        (tmp_path / name).mkdir()
        Image.fromarray(id_to_rgb(ids)).save(tmp_path / name / '5.png')
        annotation = {
            'image_id': 5,
            'file_name': '5.png',
            'segments_info': segments(a=THING, b=STUFF),
        }
        content = {'annotations': [annotation], 'categories': CATEGORIES}
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    return tmp_path / 'prediction.json', tmp_path / 'truth.json'


def test_files(files):
    assert evaluate_panoptic(*files).metrics()['PQ'] == pytest.approx(0.4)


def test_missing_prediction(files):
    files[0].write_text(json.dumps({'annotations': []}))
    with pytest.raises(UserError, match=r'no prediction for 1 of the 1 images .*image 5'):
        evaluate_panoptic(*files)


def test_error_names_the_image(files):
    content = json.loads(files[0].read_text())
    content['annotations'][0]['segments_info'].pop()
    files[0].write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'^image 5: prediction: PNG and JSON'):
        evaluate_panoptic(*files)


@pytest.mark.realdata
@pytest.mark.parametrize(
    'name', ['panoptic_sample/panoptic_examples', 'coco128/annotations/panoptic_train2017']
)
def test_real_ground_truth_against_itself(realdata, name):
    path = realdata / f'{name}.json'
    scores = evaluate_panoptic(path, path)
    metrics = scores.metrics()
    assert metrics == dict.fromkeys(metrics, 1.0)
    annotations = json.loads(path.read_text())['annotations']
    every = [s for a in annotations for s in a['segments_info']]
    assert scores.statistics[:, 1].sum() == sum(not s['iscrowd'] for s in every)
    assert scores.statistics[:, 2:].sum() == 0
