"""Soft assignment, target and divergence against loops written from the equations."""

import math

import pytest
import torch

from mmvisx.ops.embedded_clustering import (
    kl_clustering_loss,
    student_t_assignment,
    target_distribution,
)
from mmvisx.utils.errors import UserError

N, D, K = 7, 3, 4


def drawn(seed=0):
    """Points (N, D) and centroids (K, D) in float64."""
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(n, D, generator=random, dtype=torch.float64) for n in (N, K)]


def loop_q(z, mu, alpha):
    """Eq. 3.1, number by number."""
    q = [[0.0] * len(mu) for _ in z]
    for i in range(len(z)):
        kernel = []
        for j in range(len(mu)):
            squares = sum((float(a) - float(b)) ** 2 for a, b in zip(z[i], mu[j], strict=True))
            kernel.append((1 + squares / alpha) ** (-(alpha + 1) / 2))
        q[i] = [k / sum(kernel) for k in kernel]
    return q


def loop_p(q):
    """Eq. 3.3, number by number."""
    f = [sum(row[j] for row in q) for j in range(len(q[0]))]
    p = []
    for row in q:
        raised = [row[j] ** 2 / f[j] for j in range(len(row))]
        p.append([r / sum(raised) for r in raised])
    return p


@pytest.mark.parametrize('alpha', [1.0, 2.0, 0.5])
def test_equals_loops(alpha):
    z, mu = drawn()
    q = student_t_assignment(z, mu, alpha)
    expected = loop_q(z, mu, alpha)
    torch.testing.assert_close(q, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0)
    p = target_distribution(q)
    torch.testing.assert_close(
        p, torch.tensor(loop_p(expected), dtype=torch.float64), rtol=1e-12, atol=0
    )
    divergence = [
        sum(a * math.log(a / b) for a, b in zip(x, y, strict=True))
        for x, y in zip(loop_p(expected), expected, strict=True)
    ]
    assert kl_clustering_loss(q, p, 'sum').item() == pytest.approx(sum(divergence), rel=1e-12)
    assert kl_clustering_loss(q, p).item() == pytest.approx(sum(divergence) / N, rel=1e-12)
    assert kl_clustering_loss(q, p, 'none').tolist() == pytest.approx(divergence, rel=1e-12)


def test_by_hand():
    # Squared distances 0 and 3: kernels 1 and 1/4 (alpha 1), 1 and (1 + 3/2)^(-3/2) (alpha 2)
    z, mu = torch.tensor([[0.0]]), torch.tensor([[0.0], [3**0.5]])
    torch.testing.assert_close(student_t_assignment(z, mu), torch.tensor([[0.8, 0.2]]))
    small = 2.5**-1.5
    torch.testing.assert_close(
        student_t_assignment(z, mu, 2.0), torch.tensor([[1 / (1 + small), small / (1 + small)]])
    )
    # Frequencies 1.4 and 0.6: 0.64/1.4 and 0.04/0.6; 0.36/1.4 and 0.16/0.6
    q = torch.tensor([[0.8, 0.2], [0.6, 0.4]])
    p = target_distribution(q)
    first, second = 0.64 / 1.4, 0.04 / 0.6
    torch.testing.assert_close(p[0], torch.tensor([first, second]) / (first + second))
    first, second = 0.36 / 1.4, 0.16 / 0.6
    torch.testing.assert_close(p[1], torch.tensor([first, second]) / (first + second))
    # That is 48/55, 7/55 and 27/55, 28/55: over q 12/11, 7/11 and 9/11, 14/11
    shares = ((48, 12), (7, 7), (27, 9), (28, 14))
    by_hand = sum(share / 55 * math.log(ratio / 11) for share, ratio in shares)
    assert kl_clustering_loss(q, p, 'sum').item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize('alpha', [1.0, 2.0])
def test_gradients_are_those_of_the_document(alpha):
    z, mu = (x.requires_grad_() for x in drawn(1))
    q = student_t_assignment(z, mu, alpha)
    p = target_distribution(student_t_assignment(*drawn(2), alpha))
    kl_clustering_loss(q, p, 'sum').backward()
    for_z, for_mu = torch.zeros(N, D).double(), torch.zeros(K, D).double()
    for i in range(N):
        for j in range(K):
            away = z[i].detach() - mu[j].detach()
            part = (p[i, j] - q[i, j].detach()) * away / (1 + away.square().sum() / alpha)
            for_z[i] += (alpha + 1) / alpha * part  # Eq. 3.4
            for_mu[j] -= (alpha + 1) / alpha * part  # Eq. 3.5
    torch.testing.assert_close(z.grad, for_z, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(mu.grad, for_mu, rtol=1e-10, atol=1e-10)
    assert torch.autograd.gradcheck(lambda a, b: kl_clustering_loss(
        student_t_assignment(a, b, alpha), p), (z, mu))  # fmt: skip


def test_the_target_has_no_gradient():
    z, mu = (x.requires_grad_() for x in drawn())
    q = student_t_assignment(z, mu)
    p = target_distribution(q)
    assert not p.requires_grad
    free = p.clone().requires_grad_()
    kl_clustering_loss(q, free).backward()
    assert free.grad is None
    assert z.grad.any()


def test_finite_where_points_are_far_and_clusters_empty():
    z = torch.tensor([[0.0], [1e18], [-1e18]], requires_grad=True)
    mu = torch.tensor([[0.0], [1e18], [5e17]], requires_grad=True)
    q = student_t_assignment(z, mu)
    p = target_distribution(q)
    loss = kl_clustering_loss(q, p)
    loss.backward()
    for tensor in (q, p, loss, z.grad, mu.grad):
        assert tensor.isfinite().all()
    torch.testing.assert_close(q.sum(1), torch.ones(3))
    nothing = target_distribution(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    assert nothing.tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize(
    ('changes', 'names'),
    [(dict(alpha=0.0), 'alpha=0'), (dict(centroids=torch.zeros(2, 5)), 'centroids 5')],
)
def test_bad_input(changes, names):
    z, mu = drawn()
    with pytest.raises(UserError, match=names):
        student_t_assignment(**{'points': z, 'centroids': mu, **changes})
