"""The losses of a step by name, in the hands of every optimizer wrapper."""

import copy
import gc

import pytest
import torch
import torch.distributed as dist
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper

from mmvisx.structures.losses import StepLosses


class TwoTasks(BaseModel):
    """Two weights, each with a loss of its own."""

    def __init__(self, by_name):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        self.b = torch.nn.Parameter(torch.tensor([3.0]))
        self.by_name = by_name

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return {'a.loss': (self.a * inputs).sum() ** 2, 'b.loss': (self.b * inputs).sum() ** 2}

    def parse_losses(self, losses):
        total, logged = super().parse_losses(losses)
        if not self.by_name:
            return total, logged
        named = {task: losses[f'{task}.loss'] for task in 'ab'}
        return StepLosses(total, named, dict(a=1, b=1), 1), logged


class Recording(OptimWrapper):
    """Keeps what the training step hands to it."""

    def update_params(self, loss, **kwargs):
        self.given = loss
        super().update_params(loss, **kwargs)


def train(model, count=1, steps=4, inner=None):
    """Train a little; return the weights, what was logged and what the wrapper was given."""
    inner = inner or model
    optim = Recording(
        torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), accumulative_counts=count
    )
    logged = [
        model.train_step(dict(inputs=torch.tensor(0.5 + step)), optim) for step in range(steps)
    ]
    return [p.detach().clone() for p in inner.parameters()], logged, optim.given


@pytest.mark.parametrize('count', [1, 3])
def test_mmengines_wrappers_go_down_the_total(count):
    """Accumulation included: bit for bit what they do with one tensor."""
    expected, expected_logs, tensor = train(TwoTasks(False), count)
    found, logs, step = train(TwoTasks(True), count)
    assert all(map(torch.equal, found, expected))
    assert logs == expected_logs
    assert isinstance(step, StepLosses)
    assert torch.equal(step.total, tensor)
    assert not vars(step.total)  # nothing travels in secret
    assert step.losses.keys() == {'a', 'b'}


def test_backward_is_the_totals():
    model, other = TwoTasks(True), TwoTasks(False)
    for each in (model, other):
        total, _ = each.parse_losses(each(torch.tensor(2.0)))
        total.backward(retain_graph=True)
        assert total.grad_fn is not None
    assert torch.equal(model.a.grad, other.a.grad)


@pytest.fixture
def one_process(tmp_path):
    store = dist.FileStore(str(tmp_path / 'store'), 1)
    dist.init_process_group('gloo', store=store, rank=0, world_size=1)
    yield
    gc.collect()  # a model under DDP that is alive may block what follows for ever
    dist.destroy_process_group()


def test_distributed(one_process):
    """MMEngine's wrapper for distributed training hands the value on, its own check included."""
    model = TwoTasks(True)
    expected, _, _ = train(copy.deepcopy(model))
    wrapped = MMDistributedDataParallel(model, detect_anomalous_params=True)
    found, _, step = train(wrapped, inner=model)
    assert all(map(torch.equal, found, expected))
    assert step.images == dict(a=1, b=1)
