"""Every registered class of this package has a contract case, and every case a class."""

from importlib import import_module

import pytest
from mmengine.model import BaseDataPreprocessor, BaseTTAModel
from mmengine.registry import Registry

from mmvisx import registry
from tests.contract.cases import cases

# Registry -> what its cases are called, several kinds where classes differ.
KINDS = {
    'MODELS': ('MODELS', 'LOSSES'),
    'DATASETS': ('DATASETS',),
    'TRANSFORMS': ('TRANSFORMS',),
    'HOOKS': ('HOOKS',),
    'METRICS': ('METRICS',),
    'OPTIM_WRAPPERS': ('OPTIM_WRAPPERS',),
    'PARAM_SCHEDULERS': ('SCHEDULERS',),
    'DATA_SAMPLERS': ('SAMPLERS', 'BATCH_SAMPLERS'),
    'BATCH_AUGMENTS': ('AUGMENTS',),
}
# What the other registries hold, and the tests that are their contract.
OTHERS = {
    'ANALYSES': 'tests/test_analysis',
    'ARCHITECTURES': 'tests/test_surgery',
    'INFERENCERS': 'tests/test_apis/test_inference',
    'LOOPS': 'tests/test_engine',
    'OPTIM_WRAPPER_CONSTRUCTORS': 'tests/contract/test_optim.py',  # with their wrappers
    'RUNNERS': 'tests/test_engine',
    'VISUALIZERS': 'tests/test_visualization',
}
# Classes without parameters or an input of their own: views of a model in a test, what stands
# before a model, a head that hands scores on, resizing by the iteration of a run.
WITHOUT = {'ScoresHead', 'RandomTrainingShapes'}


def own_classes(name):
    """Return the names of the registered classes of this package that need a case."""
    for floor in getattr(registry, name)._locations:
        import_module(floor)
    return {
        key
        for key, value in getattr(registry, name).module_dict.items()
        if value.__module__.startswith('mmvisx.')
        and not (isinstance(value, type) and issubclass(value, BaseTTAModel | BaseDataPreprocessor))
        and key not in WITHOUT
    }


def test_every_registry_is_known():
    names = {n for n in registry.__all__ if isinstance(getattr(registry, n), Registry)}
    assert names == KINDS.keys() | OTHERS.keys()


@pytest.mark.parametrize('name', sorted(KINDS))
def test_every_class_has_a_case(name):
    wanted = own_classes(name)
    found = set().union(*(cases(kind) for kind in KINDS[name]))
    assert wanted == found


@pytest.mark.parametrize('name', sorted(OTHERS))
def test_the_other_contracts_are_there(repo, name):
    assert (repo / OTHERS[name]).exists()
