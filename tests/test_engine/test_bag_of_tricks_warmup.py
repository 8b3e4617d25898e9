"""Warm-up: i * eta / m at batch i."""

import copy

import pytest
import torch
from mmengine.optim.scheduler import LinearLR

from mmvisx.engine.schedulers import LinearWarmupLR
from mmvisx.registry import PARAM_SCHEDULERS
from mmvisx.utils import UserError

ETA = 0.4


def make(**options):
    """Return an optimizer and its scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=ETA)
    return optimizer, LinearWarmupLR(optimizer, by_epoch=False, **options)


def rates(optimizer, scheduler, steps):
    """Return the rate of every batch."""
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize('m', [1, 2, 7, 5004])
def test_rate_of_every_batch(m):
    expected = [i * ETA / m for i in range(1, m + 1)] + 3 * [ETA]
    assert rates(*make(end=m), m + 3) == pytest.approx(expected, rel=1e-9)


def test_from_epochs():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=ETA)
    config = dict(
        type='mmvisx.LinearWarmupLR', by_epoch=True, begin=0, end=2, convert_to_iter_based=True
    )
    defaults = dict(optimizer=optimizer, epoch_length=4)
    scheduler = PARAM_SCHEDULERS.build(config, default_args=defaults)
    expected = [i * ETA / 8 for i in range(1, 9)]
    assert rates(optimizer, scheduler, 8) == pytest.approx(expected)


def test_mmengines_default_is_another_one():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=ETA)
    theirs = LinearLR(optimizer, by_epoch=False, end=4)
    assert rates(optimizer, theirs, 1) != pytest.approx([ETA / 4])


def test_resumed_equals_uninterrupted():
    whole = rates(*make(end=6), 8)
    optimizer, scheduler = make(end=6)
    first = rates(optimizer, scheduler, 3)
    states = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    optimizer, scheduler = make(end=6)
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert first + rates(optimizer, scheduler, 5) == whole


def test_a_warm_up_without_batches():
    with pytest.raises(UserError, match='from begin=3 to end=3: end has to be larger'):
        make(begin=3, end=3)
