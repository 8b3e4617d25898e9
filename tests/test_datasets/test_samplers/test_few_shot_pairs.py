"""Pairs of a class follow each other, every image is seen."""

import numpy as np
import pytest

from mmvisx.datasets.samplers import PairSampler
from mmvisx.utils import UserError
from tests.helpers.datasets import Labelled

LABELS = np.array([0, 2, 1, 0, 2, 2, 1, 0, 2])


def ranks(monkeypatch, world, epoch=0):
    """Return what each of ``world`` processes draws."""
    found = []
    for rank in range(world):
        for name, value in (('get_dist_info', (rank, world)), ('sync_random_seed', 0)):
            monkeypatch.setattr(f'mmengine.dataset.sampler.{name}', lambda value=value: value)
        sampler = PairSampler(Labelled(LABELS))
        sampler.set_epoch(epoch)
        found.append(list(sampler))
        assert len(found[-1]) == len(sampler)
    return found


@pytest.mark.parametrize('world', [1, 2, 3])
def test_pairs(monkeypatch, world):
    found = ranks(monkeypatch, world)
    assert len({len(drawn) for drawn in found}) == 1
    for drawn in found:
        for first, second in zip(drawn[::2], drawn[1::2], strict=True):
            assert LABELS[first] == LABELS[second]
            assert first != second
    assert set().union(*found) == set(range(len(LABELS)))
    assert found != ranks(monkeypatch, world, epoch=1)


def test_a_class_of_one_image():
    with pytest.raises(UserError, match='class 1 has one image only'):
        PairSampler(Labelled(np.array([0, 0, 1])))
