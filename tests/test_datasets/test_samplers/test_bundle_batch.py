"""Bundles: evenly divided, each image once an epoch, the same after an interruption."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from mmvisx.datasets.samplers import BundleBatchSampler, bundle_batch
from mmvisx.datasets.samplers.bundle_batch import cuts
from mmvisx.engine.hooks.random_state import NumberedSampler
from mmvisx.utils import UserError


class Data:
    """So many labelled and other images."""

    def __init__(self, labelled, unlabelled):
        self.num_labelled, self.total = labelled, labelled + unlabelled

    def __len__(self):
        return self.total


def sampler(labelled, unlabelled, batch_size, bundles=1, twins=False, **single):
    process = dict(dataset=Data(labelled, unlabelled), seed=3, epoch=0, world_size=1, rank=0)
    return BundleBatchSampler(SimpleNamespace(**(process | single)), batch_size, bundles, twins)


def bundles_of(batch, labelled, bundles):
    """Cut a batch into (b_1, b_2, b_u) of every bundle."""
    found = []
    for part in np.reshape(batch, (bundles, -1)):
        b = int((part < labelled).sum()) // 2
        found.append((part[:b], part[b : 2 * b], part[2 * b :]))
    return found


# Sizes and counts of the chapter's four data sets
SIZES = [
    ('SVHN', 1000, 72257, 100, 733, {1, 2}, {98, 99}),
    ('CIFAR-10', 4000, 46000, 100, 500, {8}, {92}),
    ('CIFAR-100', 10000, 40000, 100, 500, {20}, {80}),
    ('ImageNet', 128116, 1153051, 128, 10010, {12, 13}, {115, 116}),
]


@pytest.mark.parametrize(('name', 's', 'u', 'size', 'k', 'of_s', 'of_u'), SIZES)
def test_sizes_of_the_four_data_sets(name, s, u, size, k, of_s, of_u):
    sizes = sampler(s, u, size).sampler.sizes
    assert len(sizes) == k
    assert set(sizes[:, 0].tolist()) == of_s
    assert set(sizes[:, 1].tolist()) == of_u
    assert sizes.sum(0).tolist() == [s, u]


def test_cuts_are_even_and_whole():
    for total in range(1, 40):
        for parts in range(1, 20):
            sizes = np.diff(cuts(total, parts))
            assert (sizes.sum(), len(sizes)) == (total, parts)
            assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize('bundles', [1, 3])
def test_an_epoch_goes_over_all_images_once_for_each_network(bundles):
    s, u = 23, 100
    firsts, seconds, rests = ([[] for _ in range(bundles)] for _ in range(3))
    for batch in sampler(s, u, 20, bundles):
        for k, (b_1, b_2, b_u) in enumerate(bundles_of(batch, s, bundles)):
            assert len(b_1) == len(b_2) in (3, 4)
            assert (np.concatenate([b_1, b_2]) < s).all()
            assert (b_u >= s).all()
            firsts[k] += b_1.tolist()
            seconds[k] += b_2.tolist()
            rests[k] += b_u.tolist()
    for part in (*firsts, *seconds):
        assert sorted(part) == list(range(s))
    for part in rests:
        assert sorted(part) == list(range(s, s + u))
    # No two streams are in the same order
    assert len({tuple(order) for order in (*firsts, *seconds)}) == 2 * bundles
    assert len({tuple(order) for order in rests}) == bundles


def test_orders_follow_from_seed_and_epoch():
    def epoch(number, seed=3):
        batches = sampler(10, 50, 12, 2, seed=seed)
        batches.sampler.set_epoch(number)
        return list(batches)

    assert epoch(4) == epoch(4)
    assert epoch(4) != epoch(5)
    assert epoch(4) != epoch(4, seed=4)


def test_processes_share_every_step():
    alone = list(sampler(23, 100, 20, 2))
    parts = [list(sampler(23, 100, 10, 2, world_size=2, rank=r)) for r in (0, 1)]
    assert [len(part) for part in parts] == [len(alone)] * 2
    for step, batch in enumerate(alone):
        whole, halves = bundles_of(batch, 23, 2), [bundles_of(p[step], 23, 2) for p in parts]
        for k in range(2):
            for role in range(3):
                joined = np.concatenate([half[k][role] for half in halves])
                assert (joined == whole[k][role]).all()


def test_every_index_is_numbered_for_its_own_random_numbers():
    batches = sampler(10, 50, 12, 2)
    batches.sampler = NumberedSampler(batches.sampler)
    draws = [draw for batch in batches for draw in batch]
    assert len({draw.when for draw in draws}) == len(draws) == 2 * (2 * 10 + 50)
    # An unlabelled image is read once for each bundle, a labelled one for each network
    assert set(Counter(map(int, draws)).values()) == {4, 2}


def test_a_batch_without_a_labelled_image():
    with pytest.raises(UserError, match=r'4 labelled images for 6 batches.*Raise batch_size'):
        sampler(4, 50, 10)


def test_a_single_labelled_image_a_batch(monkeypatch):
    said = []
    monkeypatch.setattr(bundle_batch, 'print_log', lambda text, *_: said.append(text))
    sampler(6, 50, 10)
    assert 'some have only one. Batch norm does not mind' in said[0]


def test_data_without_labelled_part():
    with pytest.raises(UserError, match=r'SemiSupervised around list'):
        BundleBatchSampler(SimpleNamespace(dataset=[1, 2]), 10)
    with pytest.raises(UserError, match='bundles=0'):
        sampler(4, 50, 10, 0)


@pytest.mark.parametrize('bundles', [1, 3])
def test_twins_come_behind_the_bundles(bundles):
    with_twins = sampler(23, 100, 20, bundles, twins=True)
    assert list(with_twins) == [batch * 2 for batch in sampler(23, 100, 20, bundles)]
    assert len(with_twins.sampler) == sum(map(len, with_twins))
