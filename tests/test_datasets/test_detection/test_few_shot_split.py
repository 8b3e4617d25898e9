"""Classes that are held out of annotations, and boxes that are read of them."""

import json

import pytest

from mmvisx.datasets.detection.few_shot_split import boxes_by_class, hold_out, write_held_out
from mmvisx.utils import UserError


def content():
    """Return three images: a cat and a dog, a dog, nothing."""
    shown = [(1, 1, [1, 2, 3, 4]), (1, 2, [5, 5, 2, 2]), (2, 2, [0, 0, 9, 9])]
    return dict(
        images=[dict(id=i, file_name=f'{i}.jpg', width=20, height=20) for i in (1, 2, 3)],
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
        annotations=[
            dict(id=k, image_id=image, category_id=kind, bbox=box, iscrowd=0)
            for k, (image, kind, box) in enumerate(shown)
        ],
    )


def test_parts():
    without, only = hold_out(content(), 'cat')
    assert [image['id'] for image in without['images']] == [2, 3]
    assert [item['id'] for item in without['annotations']] == [2]
    assert [item['name'] for item in without['categories']] == ['dog']
    assert [image['id'] for image in only['images']] == [1]
    assert [item['id'] for item in only['annotations']] == [0]
    assert [item['name'] for item in only['categories']] == ['cat']


def test_parts_of_two_classes():
    given = content()
    given['images'].append(dict(id=4, file_name='4.jpg', width=20, height=20))
    given['categories'].append(dict(id=3, name='cow'))
    for k, (image, kind) in enumerate([(1, 3), (3, 3)]):
        box = [2, 2, 3, 3]
        given['annotations'].append(
            dict(id=3 + k, image_id=image, category_id=kind, bbox=box, iscrowd=0)
        )
    without, only = hold_out(given, 'cat', 'cow')  # images 1 and 3 show them
    assert [image['id'] for image in without['images']] == [2, 4]
    assert [item['id'] for item in without['annotations']] == [2]
    assert [item['name'] for item in without['categories']] == ['dog']
    assert [image['id'] for image in only['images']] == [1, 3]
    assert [item['id'] for item in only['annotations']] == [0, 3, 4]
    assert [item['name'] for item in only['categories']] == ['cat', 'cow']


def test_files_and_boxes(tmp_path):
    file = tmp_path / 'train.json'
    file.write_text(json.dumps(content()))
    without, only = write_held_out(file, 'dog')
    assert without.name == 'train_without_dog.json'
    found = boxes_by_class(only, tmp_path)
    assert found == {
        'dog': [(tmp_path / '1.jpg', (5, 5, 7, 7)), (tmp_path / '2.jpg', (0, 0, 9, 9))]
    }
    _, only = write_held_out(file, 'dog', 'cat')
    assert only.name == 'train_only_dog_cat.json'
    assert {k: len(v) for k, v in boxes_by_class(only, tmp_path).items()} == {'cat': 1, 'dog': 2}
    assert boxes_by_class(file, tmp_path)['cat'] == [(tmp_path / '1.jpg', (1, 2, 4, 6))]


def test_what_cannot_be_parted(tmp_path):
    with pytest.raises(UserError, match=r"'cats'.*there are: cat, dog"):
        hold_out(content(), 'dog', 'cats')
    alone = dict(content(), images=content()['images'][:1])
    with pytest.raises(UserError, match="1 of 1 images show 'cat'"):
        hold_out(alone, 'cat')
    file = tmp_path / 'broken.json'
    for text in ('no json', '{}', '[1]'):
        file.write_text(text)
        with pytest.raises(UserError, match=r'broken.json is no COCO'):
            write_held_out(file, 'cat')
        with pytest.raises(UserError, match=r'broken.json is no COCO'):
            boxes_by_class(file, tmp_path)
    file.write_text(json.dumps(dict(content(), annotations=[])))
    with pytest.raises(UserError, match='has no box'):
        boxes_by_class(file, tmp_path)
