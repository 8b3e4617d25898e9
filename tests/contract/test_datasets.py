"""What every registered data set promises: its length, its classes, copies for the workers."""

import copy
import pickle

import pytest
from mmengine.registry import DefaultScope

import mmvisx.datasets  # noqa: F401 - registers everything
from mmvisx.registry import DATASETS
from tests.contract.cases import cases
from tests.contract.samples import same

CASES = cases('DATASETS')


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """``built(name)`` returns a data set, on files, that is built once."""
    found = {}

    def build(name):
        if name not in found:
            config = CASES[name].config(tmp_path_factory.mktemp(name))
            with DefaultScope.overwrite_default_scope('mmengine'):
                found[name] = DATASETS.build(dict(config, type=f'mmvisx.{name}'))
        return found[name]

    return build


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


def test_length_and_classes(built, name):
    case, dataset = CASES[name], built(name)
    classes = tuple(dataset.metainfo['classes'])
    assert len(dataset) == case.length
    assert case.classes in (classes, len(classes))


def test_items_are_dicts_of_their_own(built, name):
    dataset = built(name)
    first = dataset[0]
    first['of_others'] = True
    first.pop('img_path', None)
    assert 'of_others' not in dataset[0]
    unchanged = getattr(dataset, 'get_data_info', dataset.__getitem__)(0)
    assert ('img_path' in dataset[0]) == ('img_path' in unchanged)


def test_copies_for_workers(built, name):
    dataset = built(name)
    for other in (copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
        assert len(other) == len(dataset)
        assert other.metainfo == dataset.metainfo
        for index in range(len(dataset)):
            assert same(dataset[index], other[index])
