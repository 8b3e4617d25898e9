"""What every registered loss promises: gradients, a reduction, a weight."""

import copy
import pickle

import pytest
import torch

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.registry import MODELS
from tests.contract.cases import cases

CASES = cases('LOSSES')


def build(name, **config):
    return MODELS.build(dict(CASES[name].config, type=f'mmvisx.{name}', **config))


@pytest.fixture(params=sorted(CASES))
def name(request):
    return request.param


@pytest.fixture
def scores(name):
    return torch.randn(CASES[name].scores, requires_grad=True)


@pytest.mark.parametrize('scale', [1, 1e4])
def test_finite_and_a_gradient_in_every_score(name, scores, scale):
    loss = build(name)(scores * scale, CASES[name].targets)
    loss.backward()
    assert loss.shape == ()
    assert loss.isfinite()
    assert loss >= 0
    assert scores.grad.isfinite().all()
    assert scale > 1 or scores.grad.all()


def test_reductions(name, scores):
    targets = CASES[name].targets
    each = build(name, reduction='none')(scores, targets)
    assert each.numel() > 1
    torch.testing.assert_close(build(name, reduction='sum')(scores, targets), each.sum())
    torch.testing.assert_close(build(name, reduction='mean')(scores, targets), each.mean())


def test_weight(name, scores):
    targets = CASES[name].targets
    single = build(name, loss_weight=1.0)(scores, targets)
    torch.testing.assert_close(build(name, loss_weight=2.5)(scores, targets), 2.5 * single)


def test_copies_are_the_same_loss(name, scores):
    loss = build(name)
    wanted = loss(scores, CASES[name].targets)
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(other(scores, CASES[name].targets), wanted)
