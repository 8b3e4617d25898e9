"""The merge rule: by hand and against a slow loop."""

import numpy as np
import pytest
from pycocotools import mask as rle_tools

from mmvisx.evaluation.panoptic.format import SegmentColors
from mmvisx.evaluation.panoptic.merge import MergeRule, PanopticCanvas
from mmvisx.utils import UserError

PERSON, CAR, SKY, GRASS = 1, 3, 187, 193
COLORS = SegmentColors([{'id': k} for k in (PERSON, CAR, SKY, GRASS)])


def mask(text):
    """Return a mask of one row; '#' is inside."""
    return np.array([[c == '#' for c in text]])


def thing(inside, score=0.9, category=PERSON, **more):
    """Return a detection."""
    rle = rle_tools.encode(np.asfortranarray(inside.astype(np.uint8)))
    return {'category_id': category, 'score': score, 'segmentation': rle, **more}


def stuff(inside, category=SKY):
    """Return a stuff mask."""
    return thing(inside, category=category)


def merge(shape, things=(), masks=(), **rule):
    """Return the finished canvas as a text of one letter a segment, the segments, the canvas."""
    canvas = PanopticCanvas(*shape, MergeRule(**rule))
    canvas.add_things(things)
    canvas.add_stuff_masks(masks)
    ids, segments = canvas.finish(COLORS)
    letters = {0: '.', **{s['id']: chr(ord('a') + k) for k, s in enumerate(segments)}}
    return ''.join(letters[v] for v in ids.ravel().tolist()), segments, canvas


def test_the_defaults_are_the_panoptic_apis():
    rule = MergeRule()
    assert (rule.score_thr, rule.overlap_thr, rule.stuff_area_limit) == (0.5, 0.5, 64 * 64)


def test_better_detections_come_first():
    text, segments, _ = merge(
        (1, 10),
        [thing(mask('####......'), 0.6), thing(mask('..#####...'), 0.8, CAR)],
    )
    assert text == 'bbaaaaa...'
    assert [s['category_id'] for s in segments] == [CAR, PERSON]
    assert [s['area'] for s in segments] == [5, 2]
    assert [s['bbox'] for s in segments] == [[2, 0, 5, 1], [0, 0, 2, 1]]


@pytest.mark.parametrize(
    ('second', 'expected'), [('..####....', 'aaaabb....'), ('.####.....', 'aaaa......')]
)
def test_half_covered_stays_and_more_goes(second, expected):
    text, _, canvas = merge((1, 10), [thing(mask('####......')), thing(mask(second), 0.8)])
    assert text == expected
    assert canvas.dropped['overlapping'] == expected.count('b') // 2 ^ 1


@pytest.mark.parametrize(('score', 'kept'), [(0.5, True), (0.499, False)])
def test_score_threshold(score, kept):
    text, _, canvas = merge((1, 4), [thing(mask('##..'), score)])
    assert (text == 'aa..') is kept
    assert canvas.dropped == ({} if kept else {'below the score threshold': 1})


def test_empty_and_hidden_detections_make_no_segment():
    things = [thing(mask('####')), thing(mask('....')), thing(mask('##..'))]
    text, segments, canvas = merge((1, 4), things, overlap_thr=1)
    assert (text, len(segments)) == ('aaaa', 1)
    assert canvas.dropped == {'empty': 1, 'overlapping': 1}


def test_equal_scores_keep_their_order_and_crowds_come_last():
    things = [
        thing(mask('######....'), iscrowd=1),
        thing(mask('...###....'), category=CAR),
        thing(mask('.....###..')),
    ]
    text, segments, _ = merge((1, 10), things)
    assert text == 'cccaaabb..'
    assert [s['iscrowd'] for s in segments] == [0, 0, 1]


@pytest.mark.parametrize(('limit', 'expected'), [(4, 'aabbbb'), (5, 'aa....')])
def test_stuff_fills_what_is_free_if_it_is_enough(limit, expected):
    text, _, canvas = merge(
        (1, 6), [thing(mask('##....'))], [stuff(mask('######'))], stuff_area_limit=limit
    )
    assert text == expected
    assert canvas.dropped['stuff below the area limit'] == (limit == 5)


def test_stuff_that_is_too_small_leaves_its_pixels_to_the_next():
    masks = [stuff(mask('##....')), stuff(mask('######'), GRASS), stuff(mask('######'))]
    text, segments, _ = merge((1, 6), (), masks, stuff_area_limit=3)
    assert text == 'aaaaaa'
    assert [s['category_id'] for s in segments] == [GRASS]


def test_stuff_map():
    canvas = PanopticCanvas(1, 8, MergeRule(stuff_area_limit=2))
    canvas.add_things([thing(mask('##......'))])
    #  0: grass, 1: a thing, 2 and 3: sky, 4: sky, but too small alone, 255: unlabelled
    labels = np.array([[0, 0, 0, 1, 2, 3, 255, 4]], np.uint8)
    categories = [GRASS, None, SKY, SKY, SKY] + [None] * 251
    canvas.add_stuff_map(labels, categories)
    ids, segments = canvas.finish(COLORS)
    assert [(s['category_id'], s['area']) for s in segments] == [(PERSON, 2), (SKY, 3)]
    person, sky = (s['id'] for s in segments)
    assert ids.tolist() == [[person, person, 0, 0, sky, sky, 0, sky]]
    assert canvas.dropped == {'stuff below the area limit': 1}


def test_nothing_gives_an_empty_map():
    ids, segments = PanopticCanvas(2, 3).finish(COLORS)
    assert (ids == np.zeros((2, 3))).all()
    assert segments == []


@pytest.mark.parametrize(
    'values', [{'score_thr': 1.5}, {'overlap_thr': -0.1}, {'stuff_area_limit': -1}]
)
def test_thresholds_out_of_range(values):
    with pytest.raises(UserError, match=f'{next(iter(values))}='):
        MergeRule(**values)


def slow_merge(shape, things, masks, rule):
    """Write the rule down pixel by pixel; returns (category, set of pixels) in order."""
    taken, result = set(), []
    for item in sorted(things, key=lambda item: -item['score']):
        pixels = {tuple(p) for p in np.argwhere(rle_tools.decode(item['segmentation']))}
        if item['score'] < rule.score_thr or not pixels:
            continue
        if len(pixels & taken) / len(pixels) > rule.overlap_thr:
            continue
        result.append((item['category_id'], pixels - taken))
        taken |= pixels
    for item in masks:
        pixels = {tuple(p) for p in np.argwhere(rle_tools.decode(item['segmentation']))} - taken
        if len(pixels) >= rule.stuff_area_limit:
            result.append((item['category_id'], pixels))
            taken |= pixels
    return result


def random_scene(seed):
    """Return boxes with scores, some of which are the same, and a split into stuff."""
    random = np.random.default_rng(seed)
    shape = (14, 17)
    things = []
    for _ in range(12):
        inside = np.zeros(shape, bool)
        y, x = random.integers(0, 12, 2)
        inside[y : y + random.integers(1, 9), x : x + random.integers(1, 9)] = True
        inside &= random.random(shape) < 0.8
        things.append(thing(inside, random.integers(3, 10) / 10, int(random.choice([1, 3]))))
    labels = random.choice(3, shape, p=[0.8, 0.05, 0.15]).astype(np.uint8)
    return shape, things, labels


@pytest.mark.parametrize('seed', range(20))
def test_slow_loop(seed):
    shape, things, labels = random_scene(seed)
    rule = MergeRule(stuff_area_limit=25)
    masks = [stuff(labels == k, category) for k, category in ((0, SKY), (2, GRASS))]
    expected = slow_merge(shape, things, masks, rule)
    by_masks, by_map = PanopticCanvas(*shape, rule), PanopticCanvas(*shape, rule)
    by_masks.add_things(things)
    by_masks.add_stuff_masks(masks)
    by_map.add_things(things)
    by_map.add_stuff_map(labels, [SKY, None, GRASS])
    for canvas in (by_masks, by_map):
        ids, segments = canvas.finish(COLORS)
        found = [
            (s['category_id'], {tuple(p) for p in np.argwhere(ids == s['id'])}) for s in segments
        ]
        assert found == expected
        assert [s['area'] for s in segments] == [len(pixels) for _, pixels in expected]


def test_random_scenes_drop_things_and_stuff():
    dropped = PanopticCanvas(1, 1).dropped
    for seed in range(20):
        shape, things, labels = random_scene(seed)
        canvas = PanopticCanvas(*shape, MergeRule(stuff_area_limit=25))
        canvas.add_things(things)
        canvas.add_stuff_map(labels, [SKY, None, GRASS])
        dropped.update(canvas.dropped)
    for reason in ('overlapping', 'below the score threshold', 'stuff below the area limit'):
        assert dropped[reason] > 1
