"""Lists of large and of few classes."""

import hashlib

import pytest

from mmvisx.datasets.classification.few_shot_split import choose_few, class_images, split_classes
from mmvisx.utils import UserError
from tests.helpers.few_shot import write_classes

IMAGES = {f'c{k}': [f'c{k}/{i}.png' for i in range(4 + k)] for k in range(5)}

# SHA-256 of lists as the first version wrote them
PINNED = {
    'large_train': '0214a83590f1',
    'large_test': '48ef91704a5b',
    'few_train': 'a12ee2751bf0',
    'few_test': 'd424a275cce8',
    'large_classes': 'a4db1cb4de61',
    'few_classes': '09664a85f9dd',
}


def read(folder, name):
    """Return the pairs of path and label of a list."""
    lines = (folder / f'{name}.txt').read_text().splitlines()
    return [(path, int(label)) for path, label in (line.rsplit(' ', 1) for line in lines)]


def test_parts_are_apart_and_whole(tmp_path):
    few = choose_few(list(IMAGES), 'c[13]')
    assert few == ['c1', 'c3']
    split_classes(IMAGES, few, 2, tmp_path / 'lists', shots=(1, 2))
    for kind, names in (('large', ['c0', 'c2', 'c4']), ('few', ['c1', 'c3'])):
        train, test = (read(tmp_path / 'lists', f'{kind}_{part}') for part in ('train', 'test'))
        assert not set(train) & set(test)
        whole = [(path, k) for k, name in enumerate(names) for path in IMAGES[name]]
        assert sorted(train + test) == sorted(whole)
        assert [sum(label == k for _, label in test) for k in range(len(names))] == [2] * len(names)
    assert read(tmp_path / 'lists', 'few_all') == whole


def test_joint_lists(tmp_path):
    split_classes(IMAGES, ['c1', 'c3'], 2, tmp_path / 'lists', shots=(1, 3))
    large = read(tmp_path / 'lists', 'large_train')
    few = read(tmp_path / 'lists', 'few_train')
    samples = {}
    for n in (1, 3):
        joint = read(tmp_path / 'lists', f'joint_train_{n}')
        assert joint[: len(large)] == large
        samples[n] = joint[len(large) :]
        assert {(path, label - 3) for path, label in samples[n]} <= set(few)
        assert sorted(label for _, label in samples[n]) == [3] * n + [4] * n
    assert set(samples[1]) < set(samples[3])
    test = read(tmp_path / 'lists', 'joint_test')
    large_test = read(tmp_path / 'lists', 'large_test')
    assert test[: len(large_test)] == large_test
    few_test = [(path, label + 3) for path, label in read(tmp_path / 'lists', 'few_test')]
    assert test[len(large_test) :] == few_test
    names = (tmp_path / 'lists/joint_classes.txt').read_text().split()
    assert names == ['c0', 'c2', 'c4', 'c1', 'c3']


def test_test_images_of_their_own(tmp_path):
    train = class_images(write_classes(tmp_path / 'train', each=3))
    test = class_images(write_classes(tmp_path / 'val', each=2))
    counts = split_classes(train, ['bee'], test, tmp_path / 'lists')
    assert counts['large_train'] == 6
    assert read(tmp_path / 'lists', 'few_test') == [('bee/0.png', 0), ('bee/1.png', 0)]
    del test['cat']
    with pytest.raises(UserError, match="class 'cat' has images to train with or to test"):
        split_classes(train, ['bee'], test, tmp_path / 'other')


def test_lists_of_before(tmp_path):
    """What a seed gives does not change: lists are published by it."""
    few = choose_few(list(IMAGES), 2, seed=3)
    split_classes(IMAGES, few, 2, tmp_path / 'lists', seed=1, shots=(1,))
    digests = {
        name: hashlib.sha256((tmp_path / f'lists/{name}.txt').read_bytes()).hexdigest()[:12]
        for name in PINNED
    }
    assert digests == PINNED


def test_names_from_a_file(tmp_path):
    (tmp_path / 'few.txt').write_text('# the new ones\nc3\n\nc0\n')
    assert choose_few(list(IMAGES), tmp_path / 'few.txt') == ['c0', 'c3']
    (tmp_path / 'few.txt').write_text('c3\nc9\n')
    with pytest.raises(UserError, match=r"few.txt: there is no class 'c9' \(1 such\)"):
        choose_few(list(IMAGES), tmp_path / 'few.txt')


def test_what_is_refused(tmp_path):
    with pytest.raises(UserError, match='is true of 0 of 5'):
        choose_few(list(IMAGES), 'x*')
    with pytest.raises(UserError, match='few=5'):
        choose_few(list(IMAGES), 5)
    with pytest.raises(UserError, match="class 'c0' has 4"):
        split_classes(IMAGES, ['c1'], 4, tmp_path / 'lists')
    with pytest.raises(UserError, match=r"shots=\(1, 4\): class 'c1' has 3 images"):
        split_classes(IMAGES, ['c1'], 2, tmp_path / 'lists', shots=(1, 4))
    assert not (tmp_path / 'lists').exists()
    split_classes(IMAGES, ['c1'], 1, tmp_path / 'lists')
    with pytest.raises(UserError, match='has lists already'):
        split_classes(IMAGES, ['c1'], 1, tmp_path / 'lists')
