"""What every registered hook promises: exact resume, nothing left on the model, copies."""

import copy
import pickle

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope

import mmvisx.engine  # noqa: F401 - registers everything
from mmvisx.apis.run import build_runner
from tests.contract.cases import cases
from tests.contract.trainings import training

CASES = cases('HOOKS')


def filled(value, **places):
    """Replace ``{folder}`` and ``{data}`` in the strings of a config."""
    if isinstance(value, dict):
        return {key: filled(item, **places) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, **places) for item in value]
    return value.format(**places) if isinstance(value, str) else value


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """``run(kind, hook, settings, resume)`` trains and tests; returns model and checkpoints."""
    folders = {}

    def call(kind, hook=None, settings=None, resume=None):
        if kind not in folders:
            folders[kind] = tmp_path_factory.mktemp('data')
            call.configs[kind] = training(kind, folders[kind])
        cfg = copy.deepcopy(call.configs[kind])
        work = tmp_path_factory.mktemp('work')
        cfg.work_dir = str(work)
        cfg.experiment_name = work.name
        cfg.merge_from_dict(settings or {})
        if hook is not None:
            places = dict(folder=tmp_path_factory.mktemp('out'), data=folders[kind])
            cfg.custom_hooks = [*cfg.custom_hooks, ConfigDict(filled(hook, **places))]
        if resume is not None:
            cfg.resume, cfg.load_from = True, str(resume)
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            runner = build_runner(cfg)
            runner.train()
            runner.test()
        return runner, [work / f'epoch_{k}.pth' for k in (1, 2)]

    call.configs = {}
    return call


def shape_of(model):
    """What a hook could leave behind on the parts of a model."""
    return {
        name: (
            type(part),
            sorted(vars(part)),
            len(part._forward_hooks),
            len(part._forward_pre_hooks),
            len(part._backward_hooks),
        )
        for name, part in model.named_modules()
    }


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def plain(run):
    """``plain(kind, settings)``: the parts of a model that was trained without the hook."""
    found = {}

    def call(kind, settings):
        key = (kind, str(settings))
        if key not in found:
            found[key] = shape_of(run(kind, settings=settings)[0].model)
        return found[key]

    return call


@pytest.mark.parametrize('name', sorted(CASES))
def test_resumes_and_leaves_nothing(run, plain, name):
    case = CASES[name]
    hook = dict(case.config, type=f'mmvisx.{name}')
    runner, (first, second) = run(case.training, hook, case.settings)
    assert runner.iter == 2
    whole = weights(second)
    resumed = weights(run(case.training, hook, case.settings, resume=first)[1][1])
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key
    if not case.changes_model:
        assert shape_of(runner.model) == plain(case.training, case.settings)
    for other in (copy.deepcopy(runner.model), pickle.loads(pickle.dumps(runner.model))):
        assert shape_of(other) == shape_of(runner.model)
