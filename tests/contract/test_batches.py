"""What every registered sampler and batch augmentation promises: repeatable, of one length."""

import copy
import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler

import mmvisx.datasets.samplers
import mmvisx.models.batch_augments  # noqa: F401 - registers everything
from mmvisx.registry import BATCH_AUGMENTS, DATA_SAMPLERS
from tests.contract.cases import cases
from tests.helpers.datasets import Labelled

SAMPLERS = cases('SAMPLERS')
BATCH_SAMPLERS = cases('BATCH_SAMPLERS')
AUGMENTS = cases('AUGMENTS')


class PartlyLabelled(list):
    """Images of which the first ``num_labelled`` have labels."""

    num_labelled = 0


def sampler(name, **options):
    case = SAMPLERS[name]
    config = dict(case.config, type=f'mmvisx.{name}', dataset=Labelled(case.labels))
    return DATA_SAMPLERS.build(dict(config, **options))


@pytest.mark.parametrize('name', sorted(SAMPLERS))
def test_sampler_is_repeatable(name):
    first, again, other = (sampler(name, seed=seed) for seed in (5, 5, 6))
    indices = list(first)
    assert len(indices) == len(first) == SAMPLERS[name].length
    assert set(indices) <= set(range(len(SAMPLERS[name].labels)))
    assert indices == list(first) == list(again)
    assert indices != list(other)
    first.set_epoch(1)
    assert indices != list(first)
    first.set_epoch(0)
    assert indices == list(pickle.loads(pickle.dumps(first)))


def batch_sampler(name, seed):
    case = BATCH_SAMPLERS[name]
    dataset = PartlyLabelled(range(case.labelled + case.unlabelled))
    dataset.num_labelled = case.labelled
    single = DefaultSampler(dataset, seed=seed)
    return DATA_SAMPLERS.build(dict(case.config, type=f'mmvisx.{name}', sampler=single))


@pytest.mark.parametrize('name', sorted(BATCH_SAMPLERS))
def test_batch_sampler_is_repeatable(name):
    first, again, other = (batch_sampler(name, seed) for seed in (5, 5, 6))
    batches = list(first)
    assert [len(batch) for batch in batches] == BATCH_SAMPLERS[name].sizes
    assert len(batches) == len(first)
    assert batches == list(first) == list(again)
    assert batches != list(other)
    first.sampler.set_epoch(1)
    assert batches != list(first)
    first.sampler.set_epoch(0)
    assert batches == list(pickle.loads(pickle.dumps(first)))


def augment(name):
    return BATCH_AUGMENTS.build(dict(AUGMENTS[name].config, type=f'mmvisx.{name}'))


def apply(augmentation, seed):
    np.random.seed(seed)
    images = torch.arange(4 * 3 * 2 * 2, dtype=torch.float).reshape(4, 3, 2, 2)
    return augmentation(images, torch.eye(5)[:4])


@pytest.mark.parametrize('name', sorted(AUGMENTS))
def test_augmentation_is_repeatable(name):
    augmentation = augment(name)
    images, scores = apply(augmentation, 1)
    assert images.shape == (4, 3, 2, 2)
    torch.testing.assert_close(scores.sum(1), torch.ones(4))
    assert not torch.equal(scores, torch.eye(5)[:4])
    for other in (augmentation, copy.deepcopy(augmentation)):
        assert all(map(torch.equal, apply(other, 1), (images, scores)))
    other = pickle.loads(pickle.dumps(augmentation))
    assert not torch.equal(apply(other, 2)[1], scores)
