"""Reading what is merged, and the errors of what does not fit."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

from mmvisx.evaluation.panoptic.inputs import MaskResults, StuffMaps, read_images, stuff_table
from mmvisx.utils import UserError

CATEGORIES = [
    {'id': 200, 'name': 'rug-merged', 'isthing': 0},
    {'id': 1, 'name': 'person', 'isthing': 1},
    {'id': 187, 'name': 'sky-other-merged', 'isthing': 0},
]
IMAGE = {'id': 5, 'file_name': 'photo.jpg', 'height': 4, 'width': 6}
INSIDE = np.zeros((4, 6), np.uint8)
INSIDE[1:3, 2:5] = 1


def compressed():
    """Return the mask as a result file has it."""
    rle = rle_tools.encode(np.asfortranarray(INSIDE))
    return {'size': rle['size'], 'counts': rle['counts'].decode()}


def uncompressed():
    """Return the mask as annotations of crowds have it."""
    flat = INSIDE.ravel(order='F')
    edges = np.flatnonzero(np.diff(flat, prepend=0, append=2))
    return {'size': [4, 6], 'counts': np.diff(edges, prepend=0).tolist()}


def result(**values):
    """Return one result."""
    base = {'image_id': 5, 'category_id': 1, 'score': 0.7, 'segmentation': compressed()}
    return {k: v for k, v in {**base, **values}.items() if v is not None}


@pytest.fixture
def read(tmp_path):
    """``read(items, things)`` writes a result file and reads it."""

    def call(content, things=True):
        (tmp_path / 'results.json').write_text(json.dumps(content))
        return MaskResults(tmp_path / 'results.json', [IMAGE], CATEGORIES, things)

    return call


@pytest.mark.parametrize(
    'segmentation',
    [compressed(), uncompressed(), [[2, 1, 5, 1, 5, 3, 2, 3]]],
    ids=['compressed', 'uncompressed', 'polygon'],
)
def test_kinds_of_masks(read, segmentation):
    (found,) = read([result(segmentation=segmentation)])(IMAGE)
    assert (rle_tools.decode(found['segmentation']) == INSIDE).all()
    assert (found['score'], found['category_id']) == (0.7, 1)


def test_only_things_or_only_stuff(read):
    items = [result(), result(category_id=187, score=None), result(category_id=200, score=None)]
    things, stuff = read({'annotations': items}), read(items, things=False)
    assert [len(things(IMAGE)), things.skipped] == [1, 2]
    assert [len(stuff(IMAGE)), stuff.skipped] == [2, 1]


def test_annotations_are_certain(read):
    (found,) = read({'annotations': [result(score=None)]})(IMAGE)
    assert found['score'] == 1


def test_image_without_results(read):
    assert read([])(IMAGE) == []


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({}, 'must hold a list of results'),
        ([result(score=None)], 'entry 0 lacks "score"'),
        ([result(), result(segmentation=None)], r'entry 1 lacks "segmentation"; .*segm\.json'),
        ([result(image_id=6)], 'image 6, which --images does not list'),
        ([result(category_id=2)], 'category 2, which is not one of the panoptic'),
    ],
)
def test_results_that_do_not_fit(read, content, message):
    with pytest.raises(UserError, match=message):
        read(content)


@pytest.mark.parametrize(
    'segmentation',
    [
        {'size': [6, 4], 'counts': compressed()['counts']},
        {'size': [4, 6], 'counts': compressed()['counts'] * 2},
        {'counts': 'abc'},
        [[1, 2, 3, 4, 5, 'x']],
        [[1, 2, 3, 4]],
        [],
    ],
)
def test_masks_that_do_not_fit(read, segmentation):
    with pytest.raises(UserError, match=r'results\.json: a mask of image 5'):
        read([result(segmentation=segmentation)])(IMAGE)


def test_values_of_label_maps():
    by_number = stuff_table(CATEGORIES)  # COCO-stuff: the class merged into, less 1
    assert {k: v for k, v in enumerate(by_number) if v} == {151: 200, 156: 187}
    in_a_row = stuff_table(CATEGORIES, contiguous=True)
    assert {k: v for k, v in enumerate(in_a_row) if v} == {1: 200, 2: 187}
    named = stuff_table(CATEGORIES, labels={'rug-merged': [9, 4], 'sky-other-merged': 0})
    assert {k: v for k, v in enumerate(named) if v} == {0: 187, 4: 200, 9: 200}


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        ({'rug-merged': 1}, "no label for the stuff category 'sky-other-merged'"),
        ({'rug-merged': 1, 'sky-other-merged': [2, 1]}, 'label 1 is given to two'),
        ({'rug-merged': 1, 'sky-other-merged': 256}, "label 256 of 'sky-other-merged'"),
    ],
)
def test_labels_that_do_not_fit(labels, message):
    with pytest.raises(UserError, match=message):
        stuff_table(CATEGORIES, labels=labels)


def test_label_map(tmp_path):
    labels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(labels).save(tmp_path / 'photo.png')
    assert (StuffMaps(tmp_path, [None] * 256)(IMAGE) == labels).all()


@pytest.mark.parametrize(
    ('shape', 'message'),
    [((6, 4), r'photo\.png has height, width \(6, 4\)'), ((4, 6, 3), 'one 8-bit channel')],
)
def test_label_maps_that_do_not_fit(tmp_path, shape, message):
    Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / 'photo.png')
    with pytest.raises(UserError, match=message):
        StuffMaps(tmp_path, [None] * 256)(IMAGE)


def test_missing_label_map(tmp_path):
    with pytest.raises(UserError, match=r'photo\.png does not exist: check --semantic'):
        StuffMaps(tmp_path, [None] * 256)(IMAGE)


def test_categories_in_a_file_of_their_own(tmp_path):
    (tmp_path / 'images.json').write_text(json.dumps({'images': [IMAGE], 'categories': [{}]}))
    (tmp_path / 'categories.json').write_text(json.dumps(CATEGORIES))
    found = read_images(tmp_path / 'images.json', tmp_path / 'categories.json')
    assert found == ([IMAGE], CATEGORIES)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'categories': CATEGORIES}, 'no list "images"'),
        ({'images': [{'id': 5}]}, r'images\[0\] lacks "file_name"'),
        ({'images': [IMAGE, {**IMAGE, 'id': 6}]}, r'two images would be written to photo\.png'),
        ({'images': [IMAGE]}, 'give them with --categories'),
        (
            {'images': [IMAGE], 'categories': [{'id': 1, 'name': 'person'}]},
            'category 1 lacks "isthing".*--categories',
        ),
    ],
)
def test_image_lists_that_do_not_fit(tmp_path, content, message):
    (tmp_path / 'images.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        read_images(tmp_path / 'images.json')
