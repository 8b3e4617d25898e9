"""Asynchronous SGD against the algorithm written by hand, and against SGD."""

import copy
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from torch import nn

from mmvisx.utils import UserError
from tests.helpers.processes import run_two

HELPER = Path(__file__).resolve().parents[2] / 'helpers' / 'asynchronous_two_heads.py'


@pytest.fixture(scope='module')
def two():
    spec = importlib.util.spec_from_file_location('asynchronous_two_heads', HELPER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ByHand:
    """UberNet's algorithm with NumPy: one image after the other, gradients by hand.

    Steps are taken at the end of a batch, since all its images see the same weights.
    """

    def __init__(self, two, periods):
        model = two.TwoHeads()
        self.w = {'trunk': model.trunk.weight.detach().numpy().copy()}
        self.w |= {t: h.weight.detach().numpy().copy() for t, h in model.task_heads.items()}
        self.periods = periods
        self.optimizer = two.OPTIMIZER
        self.momentum = dict.fromkeys(self.w)
        self.sums = {k: np.zeros_like(v) for k, v in self.w.items()}
        self.counts = dict.fromkeys(self.w, 0)

    def batch(self, batch):
        for x, targets in zip(batch['inputs'].numpy(), batch['targets'], strict=True):
            hidden = self.w['trunk'] @ x
            self.counts['trunk'] += 1
            for task, target in targets.items():
                error = 2 * (self.w[task] @ hidden - target.numpy())
                self.sums[task] += np.outer(error, hidden)
                self.sums['trunk'] += np.outer(self.w[task].T @ error, x)
                self.counts[task] += 1
        for part, count in self.counts.items():
            if count >= self.periods[part]:
                self.step(part, self.sums[part] / count)
                self.sums[part] = np.zeros_like(self.sums[part])
                self.counts[part] = 0

    def step(self, part, gradient):
        gradient = gradient + self.optimizer['weight_decay'] * self.w[part]
        before = self.momentum[part]
        step = gradient if before is None else self.optimizer['momentum'] * before + gradient
        self.momentum[part] = step
        self.w[part] = self.w[part] - self.optimizer['lr'] * step


PERIODS = [dict(trunk=20, a=10, b=10), dict(trunk=7, a=3, b=5), dict(trunk=1, a=4, b=1)]


@pytest.mark.parametrize('periods', PERIODS)
@pytest.mark.parametrize('size', [1, 4, 10])
def test_simulation_by_hand(two, periods, size):
    model, by_hand = two.TwoHeads(), ByHand(two, periods)
    optim = two.wrapper(
        model, trunk_images=periods['trunk'], task_images={t: periods[t] for t in two.TASKS}
    )
    start = two.weights(model)
    for batch in two.batches(240 // size, size):
        model.train_step(batch, optim)
        by_hand.batch(batch)
        assert optim.counts == by_hand.counts
        for name, weight in two.weights(model).items():
            wanted = by_hand.w[name.split('.')[-2]]
            assert np.abs(weight.numpy() - wanted).max() <= 1e-7
    end = two.weights(model)
    assert all((end[name] - start[name]).abs().max() > 0.02 for name in end)
    assert all(weight.abs().max() < 10 for weight in end.values())  # it has not run away


def test_periods_of_one_and_one_task_are_sgd(two):
    data = two.batches(40, 6, both=0, tasks=('a',))
    ours, plain = two.TwoHeads(), two.TwoHeads()
    for model in (ours, plain):
        model.task_heads['b'].requires_grad_(False)
    two.train(ours, data, two.wrapper(ours, trunk_images=1, task_images=1))
    trained = [p for p in plain.parameters() if p.requires_grad]
    two.train(plain, data, OptimWrapper(torch.optim.SGD(trained, **_rates(two))))
    for name, weight in two.weights(plain).items():
        assert (two.weights(ours)[name] - weight).abs().max() <= 1e-12


def test_periods_of_one_batch_and_both_tasks_on_every_image_are_joint_sgd(two):
    data = two.batches(40, 6, both=1)
    ours, plain = two.TwoHeads(), two.TwoHeads()
    two.train(ours, data, two.wrapper(ours, trunk_images=6, task_images=6))
    two.train(plain, data, OptimWrapper(torch.optim.SGD(plain.parameters(), **_rates(two))))
    for name, weight in two.weights(plain).items():
        assert (two.weights(ours)[name] - weight).abs().max() <= 1e-12


def _rates(two):
    return {key: value for key, value in two.OPTIMIZER.items() if key != 'type'}


def test_a_part_that_is_not_due_is_not_touched(two):
    model = two.TwoHeads()
    optim = two.wrapper(model, trunk_images=1, task_images=4)
    data = two.batches(3, 1, both=0, tasks=('a',))
    before = two.weights(model)
    two.train(model, data, optim)
    after = two.weights(model)
    assert not torch.equal(before['trunk.weight'], after['trunk.weight'])
    assert torch.equal(before['task_heads.a.weight'], after['task_heads.a.weight'])
    # Not even its weight decays.
    assert torch.equal(before['task_heads.b.weight'], after['task_heads.b.weight'])
    assert optim.counts == dict(trunk=0, a=3, b=0)
    two.train(model, data[:1], optim)
    assert not torch.equal(after['task_heads.a.weight'], two.weights(model)['task_heads.a.weight'])


@pytest.mark.parametrize('dtype', [None, 'bfloat16', 'float16'])
def test_resume_with_waiting_gradients_equals_uninterrupted(two, dtype, tmp_path):
    options = dict(trunk_images=7, task_images=dict(a=4, b=5), dtype=dtype, loss_scale=64.0)
    data = two.batches(24, 2, dtype=torch.float32)
    whole = two.TwoHeads(torch.float32)
    two.train(whole, data, two.wrapper(whole, **options))

    first = two.TwoHeads(torch.float32)
    optim = two.wrapper(first, **options)
    two.train(first, data[:8], optim)
    stop = 8
    while not all(optim.counts.values()):  # until something waits in every part
        two.train(first, [data[stop]], optim)
        stop += 1
    torch.save(dict(model=first.state_dict(), optimizer=optim.state_dict()), tmp_path / 'x.pth')
    two.train(first, data[stop:], optim)

    saved = torch.load(tmp_path / 'x.pth', weights_only=True)
    second = two.TwoHeads(torch.float32)
    second.load_state_dict(saved['model'])
    resumed = two.wrapper(second, **options)
    resumed.load_state_dict(saved['optimizer'])
    two.train(second, data[stop:], resumed)
    for name, weight in two.weights(whole).items():
        assert torch.equal(weight, two.weights(first)[name])
        assert torch.equal(weight, two.weights(second)[name])

    # The comparison can fail: without what waits it ends elsewhere.
    third = two.TwoHeads(torch.float32)
    third.load_state_dict(saved['model'])
    forgetful = copy.deepcopy(saved['optimizer'])
    forgetful['asynchronous']['pending']['trunk'] = [None]
    lossy = two.wrapper(third, **options)
    lossy.load_state_dict(forgetful)
    two.train(third, data[stop:], lossy)
    assert not torch.equal(two.weights(third)['trunk.weight'], two.weights(whole)['trunk.weight'])


@pytest.mark.parametrize(('dtype', 'close'), [('bfloat16', 0.05), ('float16', 0.01)])
def test_mixed_precision_trains_like_float32(two, dtype, close):
    data = two.batches(60, 4, dtype=torch.float32)
    models = []
    for kind in (None, dtype):
        model = two.TwoHeads(torch.float32)
        options = dict(trunk_images=8, task_images=4, dtype=kind, loss_scale=64.0)
        two.train(model, data, two.wrapper(model, **options))
        models.append(two.weights(model))
    for name, weight in models[0].items():
        difference = (models[1][name] - weight).norm() / weight.norm()
        assert 0 < difference < close, (name, difference)
        assert models[1][name].dtype == torch.float32


def test_a_batch_that_overflows_in_float16_is_dropped(two):
    data = two.batches(8, 4, both=1, dtype=torch.float32)
    model = two.TwoHeads(torch.float32)
    optim = two.wrapper(model, trunk_images=100, task_images=100, dtype='float16', loss_scale=64.0)
    two.train(model, data[:2], optim)
    assert optim.counts == dict(trunk=8, a=8, b=8)
    scale = optim.loss_scaler.get_scale()
    too_large = dict(inputs=data[2]['inputs'] * 1e4, targets=data[2]['targets'])
    two.train(model, [too_large], optim)
    assert optim.counts == dict(trunk=8, a=8, b=8)
    assert optim.loss_scaler.get_scale() == scale / 2
    assert all(grad.isfinite().all() for part in optim._pending.values() for grad in part)


def test_every_part_has_its_own_rate_schedule_and_clipping(two):
    model = two.TwoHeads()
    optim = two.wrapper(
        model,
        paramwise_cfg=dict(custom_keys={'trunk': dict(lr_mult=0.1)}),
        clip_grad=dict(max_norm=1e-3),
        trunk_images=1,
        task_images=1,
    )
    rates = optim.get_lr()
    assert {k: rates[f'{k}.lr'] for k in ('trunk', *two.TASKS)} == dict(
        trunk=[pytest.approx(0.001)], a=[0.01], b=[0.01]
    )
    schedule = CosineAnnealingLR(optim['a'], T_max=4, by_epoch=False)
    before = two.weights(model)
    two.train(model, two.batches(1, 4, both=1), optim)
    schedule.step()
    assert optim.get_lr()['a.lr'][0] < 0.01
    assert optim.get_lr()['b.lr'] == [0.01]
    decay = two.OPTIMIZER['weight_decay']
    for name, rate in (('trunk.weight', 0.001), ('task_heads.a.weight', 0.01)):
        step = (before[name] - two.weights(model)[name]) / rate - decay * before[name]
        assert float(step.norm()) == pytest.approx(1e-3, rel=1e-3)


@pytest.fixture(scope='module')
def processes(tmp_path_factory):
    """What two processes end with, each with every second image."""
    folder = tmp_path_factory.mktemp('asynchronous')
    run_two(HELPER, folder)
    return [torch.load(folder / f'rank{rank}.pth') for rank in (0, 1)]


def test_two_processes_count_together_and_end_with_the_weights_of_one(two, processes):
    (first, counts), (second, others) = processes
    data = two.batches(30, 4)
    shares = [two.share(batch, 0, 2)['targets'] for batch in data]
    mine = [sum('a' in target for target in targets) for targets in shares]
    assert 0 in mine  # a process without an image of a task
    assert counts == others
    by_hand = ByHand(two, dict(trunk=7, a=3, b=5))
    model = two.TwoHeads()
    optim = two.wrapper(model, trunk_images=7, task_images=dict(a=3, b=5))
    for batch, count in zip(data, counts, strict=True):
        model.train_step(batch, optim)
        by_hand.batch(batch)
        assert count == optim.counts == by_hand.counts
    for name, weight in two.weights(model).items():
        assert torch.equal(first[name], second[name])
        # Means over unequal shares are weighted back into sums.
        assert (first[name] - weight).abs().max() <= 1e-12


def test_mistakes_are_named(two):
    model = two.TwoHeads()
    with pytest.raises(UserError, match=r"task_images has \['a', 'c'\], .* \['a', 'b'\]"):
        two.wrapper(model, task_images=dict(a=1, c=1))
    with pytest.raises(UserError, match='trunk would step after 0 images'):
        two.wrapper(model, trunk_images=0)
    with pytest.raises(UserError, match="dtype='half'"):
        two.wrapper(model, dtype='half')
    with pytest.raises(UserError, match='return StepLosses'):
        two.wrapper(model).update_params(model.trunk.weight.sum())
    with pytest.raises(UserError, match='Linear has no task_heads'):
        two.wrapper(nn.Linear(1, 1))
    state = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1)).state_dict()
    with pytest.raises(UserError, match='not of a run with AsynchronousSGD'):
        two.wrapper(model).load_state_dict(state)
    model.requires_grad_(False)
    with pytest.raises(UserError, match='frozen'):
        two.wrapper(model)
    assert isinstance(model, BaseModel)
