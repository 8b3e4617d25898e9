"""GUNN in two processes (gloo, CPU): the memory-efficient layer under DDP."""

import importlib.util
from pathlib import Path

import pytest
import torch

from tests.helpers.processes import run_two

pytestmark = pytest.mark.slow

HELPER = Path(__file__).resolve().parents[2] / 'helpers' / 'gunn_two_processes.py'
OPTIONS = ('plain_options', 'unused', 'views', 'static')


@pytest.fixture(scope='module')
def helper():
    spec = importlib.util.spec_from_file_location('gunn_two_processes', HELPER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def two(tmp_path_factory):
    """What both processes found."""
    folder = tmp_path_factory.mktemp('two')
    run_two(HELPER, folder)
    return [torch.load(folder / f'rank{rank}.pth') for rank in (0, 1)]


@pytest.mark.parametrize('options', OPTIONS)
def test_two_processes_train_like_one(two, helper, options):
    """Group norm, because batch norm's statistics depend on the number of images."""
    one = helper.train(True, 'group', options)
    ranks = [rank[True, 'group', options] for rank in two]
    means = [sum(pair) / 2 for pair in zip(*(rank['losses'] for rank in ranks), strict=True)]
    assert means == pytest.approx(one['losses'], rel=1e-9)
    assert ranks[0]['losses'] != ranks[1]['losses']  # each had its own images
    for name, weight in one['state'].items():
        for rank in ranks:
            torch.testing.assert_close(rank['state'][name], weight, rtol=1e-8, atol=1e-10)
    for name, gradient in one['gradients'].items():
        for rank in ranks:
            torch.testing.assert_close(rank['gradients'][name], gradient, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('norm', ['group', 'batch'])
def test_memory_efficient_equals_plain_in_both_processes(two, norm, options):
    for rank in two:
        plain, ours = rank[False, norm, options], rank[True, norm, options]
        torch.testing.assert_close(ours, plain, rtol=1e-8, atol=1e-10)
    weights = [
        {n: t for n, t in rank[True, norm, options]['state'].items() if 'running' not in n}
        for rank in two
    ]
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0)
