"""Dividing images into two parts: shares, seeds, groups and classes."""

import random

import pytest

from mmvisx.apis.init.split import group_of, groups_of, split
from mmvisx.utils import UserError


def divide(names, groups=None, strata=None, share=0.2, seed=0):
    return split(names, groups or names, strata or [''] * len(names), share, seed)


@pytest.mark.parametrize(
    ('rule', 'group'),
    [
        ('folder', 'night/cam2'),
        ('prefix', 'night/cam2/street'),
        (r'cam\d', 'cam2'),
        (r'(\w+)/cam', 'night'),
    ],
)
def test_group_of_an_image(rule, group):
    assert group_of('night/cam2/street_0012.jpg', rule) == group


def test_parts_are_all_images_in_order_and_of_the_share():
    names = [f'{k}.jpg' for k in range(50)]
    train, val = divide(names)
    assert (len(train), len(val)) == (40, 10)
    assert sorted([*train, *val], key=names.index) == names
    assert train == sorted(train, key=names.index)
    assert val == sorted(val, key=names.index)


def test_seed_decides_and_the_order_of_the_files_does_not():
    names = [f'{k}.jpg' for k in range(30)]
    mixed = random.Random(3).sample(names, len(names))
    assert set(divide(names, seed=1)[1]) == set(divide(mixed, seed=1)[1])
    assert set(divide(names, seed=1)[1]) != set(divide(names, seed=2)[1])


@pytest.mark.parametrize('seed', range(20))
def test_no_group_is_in_both_parts(seed):
    rng = random.Random(seed)
    names = [f'scene{rng.randrange(7)}_{k}.jpg' for k in range(60)]
    train, val = divide(names, groups_of(names, 'prefix'), seed=seed)
    scenes = [{name.split('_')[0] for name in part} for part in (train, val)]
    assert scenes[0]
    assert scenes[1]
    assert not scenes[0] & scenes[1]
    assert len(train) + len(val) == 60


def test_each_class_is_in_both_parts():
    names = [f'{label}/{k}.jpg' for label, count in (('a', 40), ('b', 5), ('c', 2), ('d', 1))
             for k in range(count)]  # fmt: skip
    train, val = divide(names, strata=[name[0] for name in names])
    assert {name[0] for name in train} == set('abcd')
    assert [sum(name[0] == label for name in val) for label in 'abcd'] == [8, 1, 1, 0]


def test_one_large_group_may_be_more_than_the_share():
    names = [f'a_{k}' for k in range(30)] + ['b_0']
    train, val = divide(names, groups_of(names, 'prefix'), share=0.5)
    assert {len(train), len(val)} == {30, 1}


def test_single_images_of_single_classes_still_leave_one_to_validate():
    train, val = divide(['a/1', 'b/1', 'c/1'], strata=list('abc'))
    assert (len(train), len(val)) == (2, 1)


@pytest.mark.parametrize(
    ('rule', 'message'),
    [
        ('folder', r"'folder' puts all 4 images into one group \('.'\)"),
        (r'(frame)_\d', r"puts all 4 images into one group \('frame'\)"),
        ('(', 'neither folder nor prefix nor a regular expression'),
        (r'scene\d', r'not found in frame_0.jpg: it must match every image'),
    ],
)
def test_rules_that_do_not_divide(rule, message):
    with pytest.raises(UserError, match=message):
        groups_of([f'frame_{k}.jpg' for k in range(4)], rule)


def test_one_image_cannot_be_divided():
    with pytest.raises(UserError, match=r'1 image is too few .* --val-share 0'):
        divide(['a.jpg'])
