"""What every registered optimizer wrapper and scheduler promises: steps, and states to resume."""

import copy
import pickle

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

import mmvisx.engine  # noqa: F401 - registers everything
from mmvisx.apis.run import build_runner
from mmvisx.registry import PARAM_SCHEDULERS
from tests.contract.cases import cases
from tests.contract.trainings import training

WRAPPERS = cases('OPTIM_WRAPPERS')
SCHEDULERS = cases('SCHEDULERS')


@pytest.fixture(scope='module', params=sorted(WRAPPERS))
def trained(request, tmp_path_factory):
    """``trained(resume)`` trains for two iterations; returns model and checkpoints."""
    case = WRAPPERS[request.param]
    cfg = training(case.training, tmp_path_factory.mktemp('data'))
    cfg.optim_wrapper = dict(case.config, type=f'mmvisx.{request.param}')

    def call(resume=None):
        own = copy.deepcopy(cfg)
        work = tmp_path_factory.mktemp('work')
        own.work_dir, own.experiment_name = str(work), work.name
        if resume is not None:
            own.resume, own.load_from = True, str(resume)
        with DefaultScope.overwrite_default_scope(own.default_scope):
            runner = build_runner(own)
            runner.train()
        return runner.model, [work / f'epoch_{k}.pth' for k in (1, 2)]

    return call


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


def test_learns_and_resumes(trained):
    model, (first, second) = trained()
    begun, whole = weights(first), weights(second)
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name
        # Of norms some have no gradient yet: residual branches begin with zeros.
        assert parameter.dim() == 1 or not torch.equal(begun[name], whole[name]), name
    other = weights(trained(first)[1][1])
    assert whole.keys() == other.keys()
    for key, value in whole.items():
        assert torch.equal(value, other[key]), key


def make(name):
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0, momentum=1.0)
    config = dict(SCHEDULERS[name].config, type=f'mmvisx.{name}')
    return PARAM_SCHEDULERS.build(dict(config, optimizer=optimizer)), optimizer


def rates_of(name, scheduler, optimizer, count):
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0][SCHEDULERS[name].parameter])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize('name', sorted(SCHEDULERS))
def test_rates_of_a_schedule(name):
    wanted = SCHEDULERS[name].rates
    assert rates_of(name, *make(name), len(wanted)) == pytest.approx(wanted)


@pytest.mark.parametrize('name', sorted(SCHEDULERS))
def test_schedule_resumes(name):
    wanted = SCHEDULERS[name].rates
    scheduler, optimizer = make(name)
    begun = rates_of(name, scheduler, optimizer, 4)
    other, fresh = make(name)
    other.load_state_dict(pickle.loads(pickle.dumps(scheduler.state_dict())))
    fresh.load_state_dict(optimizer.state_dict())
    assert begun + rates_of(name, other, fresh, len(wanted) - 4) == pytest.approx(wanted)


def test_a_wrapper_is_built_for_any_model():
    # Of those that need no tasks
    config = dict(WRAPPERS['BFloat16OptimWrapper'].config, type='mmvisx.BFloat16OptimWrapper')
    assert isinstance(build_optim_wrapper(nn.Linear(2, 2), config), OptimWrapper)
