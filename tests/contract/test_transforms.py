"""What every registered transform promises: the same under a seed, and hands off other keys."""

import copy
import pickle

import numpy as np
import pytest
from mmengine.registry import DefaultScope

import mmvisx.datasets.transforms  # noqa: F401 - registers everything
from mmvisx.registry import TRANSFORMS
from tests.contract.cases import cases
from tests.contract.samples import same

CASES = cases('TRANSFORMS')


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


@pytest.fixture
def sample(name, tmp_path):
    return CASES[name].sample(tmp_path)


@pytest.fixture
def transform(name):
    with DefaultScope.overwrite_default_scope('mmengine'):
        return TRANSFORMS.build(dict(CASES[name].config, type=f'mmvisx.{name}'))


def run(transform, sample, seed=3):
    """Apply to a copy."""
    np.random.seed(seed)
    return transform(copy.deepcopy(sample))


def test_the_seed_decides(transform, sample):
    first = run(transform, sample)
    np.random.seed(8)
    np.random.random(11)
    assert same(first, run(transform, sample))


def test_copies_are_the_same_transform(transform, sample):
    first = run(copy.deepcopy(transform), sample)
    assert same(first, run(pickle.loads(pickle.dumps(transform)), sample))


def test_other_keys_stay(name, transform, sample):
    case = CASES[name]
    sample['of_others'] = kept = np.arange(5)
    done = run(transform, sample)
    if case.packs:
        assert set(done) == {'inputs', 'data_samples'}
        return
    assert same(done['of_others'], kept)
    for key in (sample.keys() | done.keys()) - case.changes:
        assert key in done, key
        assert key in sample, key
        assert same(done[key], sample[key]), key
    assert case.changes <= sample.keys() | done.keys()
