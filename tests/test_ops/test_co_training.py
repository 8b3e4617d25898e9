"""Agreement and difference of views against hand-computed numbers, scipy and finite differences."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from mmvisx.ops.co_training import jensen_shannon_loss, view_difference_loss
from mmvisx.utils import UserError

LOSSES = [jensen_shannon_loss, view_difference_loss]


def scores(probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log()


def drawn(*shape, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_agreement_by_hand():
    first, second = (
        scores([[1 / 2, 1 / 2], [3 / 4, 1 / 4]]),
        scores([[3 / 4, 1 / 4], [1 / 4, 3 / 4]]),
    )
    # H(5/8, 3/8) - (ln 2 + H(3/4, 1/4)) / 2, and ln 2 - H(3/4, 1/4)
    entropy = 2 * math.log(2) - 3 / 4 * math.log(3)
    mean = 3 * math.log(2) - 5 / 8 * math.log(5) - 3 / 8 * math.log(3)
    wanted = [mean - (math.log(2) + entropy) / 2, math.log(2) - entropy]
    found = jensen_shannon_loss(first, second)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_difference_by_hand():
    clean, adversarial = scores([[3 / 4, 1 / 4]]), scores([[1 / 4, 3 / 4]])
    # 3/4 ln 4 + 1/4 (ln 4 - ln 3)
    wanted = 2 * math.log(2) - math.log(3) / 4
    assert view_difference_loss(clean, adversarial).item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize('scale', [0.1, 1, 10])
def test_agreement_is_the_square_of_scipys_distance(scale):
    first, second = drawn(50, 7, scale=scale), drawn(50, 7, scale=scale, seed=1)
    p, q = (
        np.exp(s - np.logaddexp.reduce(s, axis=1)[:, None]) for s in (first.numpy(), second.numpy())
    )
    wanted = jensenshannon(p, q, axis=1) ** 2
    np.testing.assert_allclose(jensen_shannon_loss(first, second), wanted, rtol=1e-9, atol=1e-15)


def test_difference_is_entropy_and_divergence():
    clean, adversarial = drawn(50, 7), drawn(50, 7, seed=1)
    p, q = (
        np.exp(s) / np.exp(s).sum(1, keepdims=True) for s in (clean.numpy(), adversarial.numpy())
    )
    wanted = -(p * np.log(p)).sum(1) + (p * np.log(p / q)).sum(1)
    np.testing.assert_allclose(view_difference_loss(clean, adversarial), wanted, rtol=1e-12)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_agreement_is_0_for_equal_views_and_at_most_ln_2(dtype):
    first = drawn(200, 10, scale=5).to(dtype)
    assert not jensen_shannon_loss(first, first.clone()).any()
    # A constant that is added to all scores changes no probability.
    assert jensen_shannon_loss(first, first + 3).abs().max() < 1e-5
    most = jensen_shannon_loss(first.new_tensor([[1e4, 0]]), first.new_tensor([[0, 1e4]]))
    assert most.item() == pytest.approx(math.log(2), rel=1e-6)
    second = drawn(200, 10, scale=50, seed=1).to(dtype)
    found = jensen_shannon_loss(50 * first, second)
    assert found.max() <= math.log(2) * (1 + 1e-6)
    assert found.min() >= 0


@pytest.mark.parametrize('loss', LOSSES)
def test_gradients(loss):
    inputs = [drawn(3, 4, seed=s).requires_grad_() for s in (0, 1)]
    assert torch.autograd.gradcheck(loss, inputs)


def test_a_detached_target_gets_no_gradient_and_the_same_value():
    clean, adversarial = drawn(3, 4).requires_grad_(), drawn(3, 4, seed=1).requires_grad_()
    whole = view_difference_loss(clean, adversarial).sum()
    both = torch.autograd.grad(whole, [clean, adversarial])
    part = view_difference_loss(clean, adversarial, detach_target=True).sum()
    one = torch.autograd.grad(part, [clean, adversarial], allow_unused=True)
    assert torch.equal(whole, part)
    assert both[0].any()
    assert one[0] is None
    torch.testing.assert_close(one[1], both[1])


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize('loss', LOSSES)
def test_finite_for_scores_of_10000(loss, dtype):
    signs = torch.tensor([[1, -1, -1], [1, 1, -1], [-1, -1, -1], [1, 1, 1]], dtype=dtype)
    first = (1e4 * signs).requires_grad_()
    second = (1e4 * signs.roll(1, dims=1)).requires_grad_()
    each = loss(first, second)
    each.sum().backward()
    assert each.shape == (4,)
    assert each.isfinite().all()
    assert first.grad.isfinite().all()
    assert second.grad.isfinite().all()


@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_loses_nothing_more_than_the_scores_did(loss, dtype):
    first, second = drawn(20, 10).to(dtype), drawn(20, 10, seed=1).to(dtype)
    found = loss(first, second)
    assert found.dtype == torch.float32
    wanted = loss(first.double(), second.double())
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('loss', LOSSES)
def test_pixels_are_images_side_by_side(loss):
    first, second = drawn(2, 5, 3, 4), drawn(2, 5, 3, 4, seed=1)
    flat = [s.permute(0, 2, 3, 1).reshape(-1, 5) for s in (first, second)]
    torch.testing.assert_close(loss(first, second).flatten(), loss(*flat))


@pytest.mark.parametrize('loss', LOSSES)
def test_views_of_different_classes(loss):
    with pytest.raises(UserError, match=r'\(2, 5\).*\(2, 6\)'):
        loss(torch.zeros(2, 5), torch.zeros(2, 6))
