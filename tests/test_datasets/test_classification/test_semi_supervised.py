"""Labelled and unlabelled images: what is whose, and that no hidden label comes out."""

import shutil

import numpy as np
import pytest

from mmvisx.datasets import LabelledImages, SemiSupervised
from mmvisx.datasets.classification import semi_supervised
from mmvisx.datasets.classification.semi_supervised import UNLABELLED
from mmvisx.datasets.classification.semi_supervised_choice import stratified_split
from mmvisx.utils import UserError
from tests.helpers.semi_supervised import image_folder, write_images, write_list

NAMES = ['a/1.png', 'b/0.png', 'b/7.png', 'c/3.png']


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / 'train')


@pytest.fixture
def listed(tmp_path):
    return write_list(tmp_path / 'list.txt', ['# by hand', *NAMES, ''])


def name(sample):
    return '/'.join(sample['data_samples'].img_path.split('/')[-2:])


def test_the_list_is_labelled_and_the_rest_is_not(folder, listed):
    data = SemiSupervised(image_folder(folder), listed)
    assert (data.num_labelled, len(data)) == (4, 24)
    samples = [data[index] for index in range(24)]
    assert [name(s) for s in samples[:4]] == NAMES
    assert [int(s['data_samples'].gt_label) for s in samples[:4]] == [0, 1, 1, 2]
    others = {f'{c}/{k}.png' for c in 'abc' for k in range(8)} - set(NAMES)
    assert {name(s) for s in samples[4:]} == others
    assert {int(s['data_samples'].gt_label) for s in samples[4:]} == {UNLABELLED}


def test_another_folder_needs_no_labels(folder, listed, tmp_path):
    loose = tmp_path / 'loose'
    loose.mkdir()
    for number in range(5):
        shutil.copy(folder / 'a' / f'{number}.png', loose)
    unlabelled = image_folder(loose, with_label=False)
    data = SemiSupervised(image_folder(folder), listed, unlabelled)
    assert (data.num_labelled, len(data)) == (4, 9)
    assert {int(data[k]['data_samples'].gt_label) for k in range(4, 9)} == {UNLABELLED}
    assert data[8]['inputs'].shape == (3, 12, 12)


def test_a_number_labels_as_many_of_each_class(folder):
    data = SemiSupervised(image_folder(folder), 2)
    assert data.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.unique(data.labels, return_counts=True)[1].tolist() == [2, 2, 2]
    again = SemiSupervised(image_folder(folder), 2)
    assert [name(again[k]) for k in range(6)] == [name(data[k]) for k in range(6)]


def test_nothing_that_comes_out_depends_on_a_hidden_label(folder, listed, tmp_path):
    first = SemiSupervised(image_folder(folder), listed)
    labels = dict(zip('abc', range(3), strict=True))
    noise = np.random.default_rng(1).integers(0, 3, 24)
    lines = [
        f'{c}/{k}.png {labels[c] if f"{c}/{k}.png" in NAMES else noise[8 * labels[c] + k]}'
        for c in 'abc'
        for k in range(8)
    ]
    wrong = write_list(tmp_path / 'wrong.txt', lines)
    second = SemiSupervised(image_folder(folder, ann_file=wrong, num_classes=3), listed)
    for index in range(24):
        one, other = first[index], second[index]
        assert (one['inputs'] == other['inputs']).all()
        assert str(one['data_samples'].to_dict()) == str(other['data_samples'].to_dict())
        assert first.get_data_info(index)['gt_label'] == second.get_data_info(index)['gt_label']


def test_stratified_and_seeded():
    labels = np.repeat([3, 0, 1], [50, 20, 10])
    chosen = stratified_split(labels, 5, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [5, 5, 0, 5]
    assert (chosen == stratified_split(labels, 5, seed=1)).all()
    assert (chosen != stratified_split(labels, 5, seed=2)).any()
    assert np.bincount(labels[stratified_split(labels, 0.3, seed=0)]).tolist() == [6, 3, 0, 15]
    # 2,000 draws of 5 of 10: each image half of them, within 4 standard errors
    drawn = np.concatenate([stratified_split(labels[-10:], 5, seed=s) for s in range(2000)])
    assert abs(np.bincount(drawn) - 1000).max() < 4 * np.sqrt(2000 / 4)


@pytest.mark.parametrize('wanted', [0, 11, 0.01])
def test_classes_that_are_too_small(wanted):
    with pytest.raises(UserError, match=r'labelled images of class 1, which has 10'):
        stratified_split(np.ones(10, int), wanted, seed=0)


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        ([], 'no image is labelled.*list.txt is empty'),
        ([*NAMES, 'd/0.png'], 'd/0.png is no image of the data set, which has 24, a/0.png'),
        ([*NAMES, 'b/0.png'], 'b/0.png stands there 2 times'),
        ([f'{c}/{k}.png' for c in 'abc' for k in range(8)], 'no image is unlabelled: all 24'),
    ],
)
def test_lists_that_are_refused(folder, tmp_path, names, message):
    with pytest.raises(UserError, match=message):
        SemiSupervised(image_folder(folder), write_list(tmp_path / 'list.txt', names))


def test_a_list_that_is_missing(folder):
    with pytest.raises(UserError, match=r'gone.txt does not exist.*split-labels'):
        SemiSupervised(image_folder(folder), 'gone.txt')


def test_a_labelled_file_among_the_unlabelled(folder, listed):
    with pytest.raises(UserError, match=r'c/3.png is labelled and also among the unlabelled'):
        SemiSupervised(image_folder(folder), listed, image_folder(folder / 'c', with_label=False))


def test_an_empty_folder_of_unlabelled_images(folder, listed, tmp_path):
    (tmp_path / 'none').mkdir()
    with pytest.raises(UserError, match=r'no image is unlabelled'):
        SemiSupervised(
            image_folder(folder), listed, image_folder(tmp_path / 'none', with_label=False)
        )


def test_a_class_without_a_label_is_named(folder, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(semi_supervised, 'print_log', lambda text, *_: said.append(text))
    names = write_list(tmp_path / 'list.txt', ['a/0.png', 'a/1.png'])
    SemiSupervised(image_folder(folder), names)
    assert 'no image of b, c is labelled' in said[0]


def test_labelled_images_alone_are_those_of_the_other_data_set(folder, listed):
    data = LabelledImages(image_folder(folder), listed, times=3)
    assert len(data) == 12
    assert [name(data[k]) for k in range(12)] == NAMES * 3
    assert [int(data[k]['data_samples'].gt_label) for k in range(4)] == [0, 1, 1, 2]
    drawn, both = LabelledImages(image_folder(folder), 2), SemiSupervised(image_folder(folder), 2)
    assert [name(drawn[k]) for k in range(6)] == [name(both[k]) for k in range(6)]


def test_labelled_images_may_come_more_often(folder, listed):
    data = SemiSupervised(image_folder(folder), listed, times=3)
    assert (data.num_labelled, len(data)) == (12, 3 * 4 + 20)
    assert [name(data[k]) for k in range(12)] == NAMES * 3
    assert int(data[11]['data_samples'].gt_label) == 2
    once = SemiSupervised(image_folder(folder), listed)
    assert [name(data[k]) for k in range(12, 32)] == [name(once[k]) for k in range(4, 24)]
    assert {int(data[k]['data_samples'].gt_label) for k in range(12, 32)} == {UNLABELLED}
    for kind in (LabelledImages, SemiSupervised):
        with pytest.raises(UserError, match='times=0 of the labelled images should be 1 or more'):
            kind(image_folder(folder), 2, times=0)
