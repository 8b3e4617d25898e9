import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.datasets.panoptic.annotations import (
    IGNORE,
    MERGED,
    coco_stuff_labels,
    contiguous_labels,
    label_map,
    panoptic_to_stuff,
    read_panoptic_json,
)
from mmvisx.utils import UserError


def categories(*numbers, isthing=1):
    return [{'id': n, 'name': f'c{n}', 'isthing': isthing} for n in numbers]


def test_coco_stuff_labels_are_ids_less_one():
    assert coco_stuff_labels(categories(1, 90, 92, 181)) == {1: 0, 90: 89, 92: 91, 181: 180}
    assert coco_stuff_labels(categories(184, 200)) == {184: 168, 200: 151}  # tree, rug


@pytest.mark.realdata
def test_merged_classes_are_named_as_in_coco_stuff(realdata):
    # COCO-stuff's names as mmseg has them: 80 things, then the stuff ids 92 to 182 in order.
    from mmseg.datasets import COCOStuffDataset

    stuff = COCOStuffDataset.METAINFO['classes'][80:]
    panoptic = json.loads(
        (realdata / 'panoptic_sample' / 'panoptic_coco_categories.json').read_text()
    )
    names = {c['id']: c['name'] for c in panoptic}
    for merged, single in MERGED.items():
        name = names[merged].removesuffix('-merged')
        assert stuff[single - 92] in (name, f'{name}-other')
    for number in (n for n, c in names.items() if 92 <= n <= 182):
        assert names[number] == stuff[number - 92]


def test_unknown_category_id():
    with pytest.raises(UserError, match=r'category 500 .*--contiguous'):
        coco_stuff_labels(categories(1, 500))


def test_contiguous_labels_put_things_first():
    assert contiguous_labels(categories(7, isthing=0) + categories(9, 3)) == {9: 0, 3: 1, 7: 2}
    with pytest.raises(UserError, match='256 categories'):
        contiguous_labels(categories(*range(256)))


def test_label_map_decodes_all_three_bytes():
    panoptic = np.zeros((2, 3, 3), np.uint8)
    panoptic[0, 0] = (7, 1, 2)
    panoptic[0, 1] = (7, 0, 0)
    panoptic[1, 2] = (9, 9, 9)  # not in the segments
    segments = [
        {'id': 7 + 256 + 2 * 65536, 'category_id': 1},
        {'id': 7, 'category_id': 2},
    ]
    labels = label_map(panoptic, segments, {1: 0, 2: 1})
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[0, 1, IGNORE], [IGNORE, IGNORE, IGNORE]]


def test_label_map_without_segments():
    assert (label_map(np.zeros((2, 2, 3), np.uint8), [], {}) == IGNORE).all()


@pytest.mark.parametrize(
    ('text', 'reason'),
    [(None, 'does not exist'), ('{', 'cannot be read'), ('{"images": []}', 'no panoptic')],
)
def test_bad_json(tmp_path, text, reason):
    if text is not None:
        (tmp_path / 'p.json').write_text(text)
    with pytest.raises(UserError, match=rf'p\.json.*{reason}'):
        read_panoptic_json(tmp_path / 'p.json')


def test_missing_map_and_undefined_category(tmp_path):
    annotation = {'image_id': 1, 'file_name': 'a.png', 'segments_info': []}
    content = {'categories': categories(1), 'annotations': [annotation], 'images': []}
    path = tmp_path / 'p.json'
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'a\.png does not exist'):
        panoptic_to_stuff(path, tmp_path, tmp_path / 'out')
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / 'a.png')
    annotation['segments_info'] = [{'id': 1, 'category_id': 5}]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'categories \[5\]'):
        panoptic_to_stuff(path, tmp_path, tmp_path / 'out')


@pytest.mark.realdata
def test_stuff_maps_cover_the_segments_area(realdata, tmp_path):
    root = realdata / 'panoptic_sample'
    names = panoptic_to_stuff(root / 'panoptic_examples.json', root / 'panoptic_examples', tmp_path)
    assert names['person'] == 0
    content = json.loads((root / 'panoptic_examples.json').read_text())
    stems = {image['id']: image['file_name'].split('.')[0] for image in content['images']}
    for annotation in content['annotations']:
        labels = np.asarray(Image.open(tmp_path / f'{stems[annotation["image_id"]]}.png'))
        area = np.zeros(256, int)
        for segment in annotation['segments_info']:
            number = MERGED.get(segment['category_id'], segment['category_id'])
            area[number - 1] += segment['area']
        area[IGNORE] = labels.size - area.sum()
        assert np.array_equal(np.bincount(labels.ravel(), minlength=256), area)
