"""What co-trained networks owe each other: agreement, and resistance to each other's attacks.

Letters: N images, K classes. A *view* is one of the networks; g_i(x) is an adversarial example of
the view i. All functions also take scores of pixels, ``(N, K, H, W)``.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['jensen_shannon_loss', 'view_difference_loss']


def jensen_shannon_loss(first: Tensor, second: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence of two views' predictions for each image, ``(N,)``.

    In nats: 0 where the views agree, at most ln 2. Computed in float32 or better as
    ``(KL(p, m) + KL(q, m)) / 2`` with ``log(p / m) = ln 2 + log sigmoid(log p - log q)`` for the
    mean ``m``, which has no logarithm of a probability that may be 0.

    Args:
        first: Scores before the softmax, ``(N, K)``.
        second: The other view's, ``(N, K)``.

    Raises:
        UserError: the two have different shapes.

    Source: 001, Eq. 3.4.
    """
    _check(first, second)
    p, q = F.log_softmax(_precise(first), dim=1), F.log_softmax(_precise(second), dim=1)
    terms = p.exp() * (math.log(2) + F.logsigmoid(p - q))
    terms = terms + q.exp() * (math.log(2) + F.logsigmoid(q - p))
    return terms.sum(dim=1) / 2


def view_difference_loss(clean: Tensor, adversarial: Tensor, detach_target: bool = False) -> Tensor:
    """Return ``H(p_i(x), p_j(g_i(x)))`` for each image, ``(N,)``: one of two terms of Eq. 3.5.

    In nats. It is never below the entropy of ``p_i(x)``, so not 0 for views that agree, either.
    Computed in float32 or better.

    Args:
        clean: Scores of the view i for the images x, ``(N, K)``.
        adversarial: Scores of the view j for the adversarial examples of i, ``(N, K)``.
        detach_target: Send no gradient into ``clean``. Algorithm 1 differentiates all of L, the
            default here; many implementations do not.

    Raises:
        UserError: the two have different shapes.

    Source: 001, Eq. 3.5.
    """
    _check(clean, adversarial)
    target = F.softmax(_precise(clean.detach() if detach_target else clean), dim=1)
    return -(target * F.log_softmax(_precise(adversarial), dim=1)).sum(dim=1)


def _precise(scores: Tensor) -> Tensor:
    # Differences of two logarithms leave no digits of a half.
    return scores.float() if scores.dtype.itemsize < 4 else scores


def _check(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape:
        raise UserError(
            f'one view gives scores of shape {tuple(first.shape)}, the other of '
            f'{tuple(second.shape)}; both need the same images and classes'
        )
