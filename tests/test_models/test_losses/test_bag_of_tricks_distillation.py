"""The distillation loss: a hand computation, its gradient, its limit for large T."""

import math

import pytest
import torch

from mmvisx.models.losses import distillation_loss
from mmvisx.utils import UserError


def slow_softmax(values, T):
    """Write Eq. 2.2 out, at temperature T."""
    total = sum(math.exp(v / T) for v in values)
    return [math.exp(v / T) / total for v in values]


@pytest.mark.parametrize('temperature', [1.0, 4.0, 20.0])
def test_value_is_equation_2_6(temperature):
    z, r = torch.randn(3, 7), 3 * torch.randn(3, 7)
    expected = 0.0
    for a, b in zip(z.tolist(), r.tolist(), strict=True):
        q, p = slow_softmax(a, temperature), slow_softmax(b, temperature)
        expected -= temperature**2 * sum(x * math.log(y) for x, y in zip(p, q, strict=True)) / 3
    assert distillation_loss(z, r, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_numbers_by_hand():
    # T = 2: the teacher's (2 ln 3, 0) becomes (3/4, 1/4), the student's (0, 0) (1/2, 1/2).
    loss = distillation_loss(torch.zeros(1, 2), torch.tensor([[2 * math.log(3), 0.0]]), 2.0)
    assert loss.item() == pytest.approx(4 * math.log(2), rel=1e-6)


def test_temperature_1_and_a_certain_teacher_is_the_cross_entropy():
    z = torch.randn(4, 5)
    r = 1e4 * torch.eye(5)[:4]
    expected = torch.nn.functional.cross_entropy(z, torch.arange(4))
    assert torch.allclose(distillation_loss(z, r, 1.0), expected)


def test_gradient():
    z = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    r = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: distillation_loss(s, r.detach(), 3.0), z)
    distillation_loss(z, r, 3.0).backward()
    assert r.grad is None  # nothing flows into the teacher
    expected = 3.0 * ((z / 3).softmax(1) - (r / 3).softmax(1)) / 3
    assert torch.allclose(z.grad, expected)


def test_gradient_becomes_the_squared_difference_of_centred_scores():
    z = torch.randn(1, 10, dtype=torch.float64, requires_grad=True)
    r = torch.randn(1, 10, dtype=torch.float64)
    centred = (z - z.mean()) - (r - r.mean())
    limit = (centred / 10).detach()
    errors = []
    for temperature in (10.0, 100.0, 1000.0):
        (gradient,) = torch.autograd.grad(distillation_loss(z, r, temperature), z)
        errors.append(((gradient - limit).norm() / limit.norm()).item())
    assert errors[-1] < 2e-3
    # The next term of the expansion is of the order 1 / T.
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.1)
    squared = 0.5 * centred.square().sum() / 10
    (gradient,) = torch.autograd.grad(squared, z)
    assert torch.allclose(gradient, limit)


def test_same_scores_have_no_gradient():
    z = torch.randn(2, 5, requires_grad=True)
    distillation_loss(z, z.detach() + 3, 20.0).backward()
    assert z.grad.abs().max() < 1e-5


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    z, r = torch.randn(3, 7).to(dtype), torch.randn(3, 7).to(dtype)
    assert torch.equal(distillation_loss(z, r), distillation_loss(z.float(), r.float()))


def test_other_classes_and_wrong_temperature():
    with pytest.raises(UserError, match=r'\(2, 8\), the student of \(2, 10\)'):
        distillation_loss(torch.randn(2, 10), torch.randn(2, 8))
    with pytest.raises(UserError, match='temperature=0'):
        distillation_loss(torch.randn(2, 10), torch.randn(2, 10), 0)
