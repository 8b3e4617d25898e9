"""Ids, colours and files of the panoptic format."""

import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.evaluation.panoptic.format import (
    SegmentColors,
    annotations_by_image,
    check_categories,
    id_to_rgb,
    read_ids,
    read_json,
    rgb_to_id,
)
from mmvisx.utils import UserError


def test_id_of_a_colour():
    assert rgb_to_id(np.array([[[1, 2, 3]]], np.uint8)).item() == 1 + 2 * 256 + 3 * 256**2
    assert id_to_rgb(np.array([[197121]])).tolist() == [[[1, 2, 3]]]


def test_colours_and_ids_are_inverse(tmp_path):
    ids = np.array([[0, 255, 256, 65535], [65536, 256**3 - 1, 8388608, 77]], np.int32)
    Image.fromarray(id_to_rgb(ids)).save(tmp_path / 'ids.png')
    read = read_ids(tmp_path / 'ids.png', 'hint')
    assert (read == ids).all()
    assert read.dtype == np.int32


def test_first_segment_has_the_colour_of_its_category_and_others_a_shade():
    base = [220, 20, 60]
    ids = SegmentColors([{'id': 1, 'color': base}])([1] * 5)
    shades = id_to_rgb(np.array(ids))
    assert shades[0].tolist() == base
    distance = np.abs(shades.astype(int) - base).max(axis=1)
    assert (distance[1:] > 0).all()
    assert distance.max() <= SegmentColors.spread


@pytest.mark.parametrize('color', [None, [0, 0, 0], [255, 255, 255], [0, 0, 142]])
def test_colours_of_many_segments_are_distinct_and_never_void(color):
    categories = [{'id': 1, 'color': color}, {'id': 2, 'color': color}]
    wanted = [1, 2] * 500
    ids = SegmentColors(categories)(wanted)
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0
    assert max(ids) < 256**3
    assert ids == SegmentColors(categories)(wanted)


def test_categories_without_colour_get_different_ones():
    ids = SegmentColors([{'id': k} for k in range(1, 134)])(list(range(1, 134)))
    red, green, blue = id_to_rgb(np.array(ids)).T.astype(int)
    assert len({*zip(red, green, blue, strict=True)}) == 133
    assert np.maximum(np.maximum(red, green), blue).min() > 200


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([], 'no list "annotations"'),
        ({'annotations': [{'image_id': 1, 'file_name': 'a.png'}]}, r'\[0\] lacks "segments_info"'),
        (
            {'annotations': [{'image_id': 1, 'file_name': 'a', 'segments_info': [{'id': 3}]}]},
            'image 1 lacks "id" or "category_id"',
        ),
        (
            {'annotations': 2 * [{'image_id': 1, 'file_name': 'a', 'segments_info': []}]},
            'image 1 has two annotations',
        ),
    ],
)
def test_files_in_another_format(content, message):
    with pytest.raises(UserError, match=message) as error:
        annotations_by_image(content, 'my.json')
    assert 'my.json' in str(error.value)


@pytest.mark.parametrize(
    ('categories', 'message'),
    [({}, 'must be a list'), ([], 'must be'), ([{'id': 7, 'name': 'a'}], '7 lacks "isthing"')],
)
def test_categories_of_another_data_set(categories, message):
    with pytest.raises(UserError, match=message):
        check_categories(categories, 'my.json')


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(UserError, match=r'a\.png does not exist: look here'):
        read_ids(tmp_path / 'a.png', 'look here')
    (tmp_path / 'a.png').write_bytes(b'no image')
    with pytest.raises(UserError, match=r'a\.png cannot be read'):
        read_ids(tmp_path / 'a.png', 'look here')
    with pytest.raises(UserError, match=r'results .*a\.json does not exist'):
        read_json(tmp_path / 'a.json', 'results')
    (tmp_path / 'a.json').write_text(json.dumps([1])[:-1])
    with pytest.raises(UserError, match=r'a\.json cannot be read'):
        read_json(tmp_path / 'a.json', 'results')
