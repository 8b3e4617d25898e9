"""Soft assignment of points to clusters, and the sharper one that it is pulled towards.

Letters: N points, d dimensions, K clusters; ``q`` is the soft assignment, ``p`` its target.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['kl_clustering_loss', 'student_t_assignment', 'target_distribution']


def student_t_assignment(points: Tensor, centroids: Tensor, alpha: float = 1.0) -> Tensor:
    """Return how far each point belongs to each cluster, ``(N, K)``; rows sum to 1.

    Args:
        points: Embedded points, ``(N, d)``.
        centroids: ``(K, d)``.
        alpha: Degrees of freedom of Student's t-distribution, above 0.

    Raises:
        UserError: ``alpha`` is not positive, or points and centroids differ in ``d``.

    Source: 000, Eq. 3.1.
    """
    if not alpha > 0:
        raise UserError(f'alpha={alpha} of student_t_assignment: degrees of freedom are above 0')
    if points.shape[-1] != centroids.shape[-1]:
        raise UserError(
            f'points have {points.shape[-1]} dimensions, centroids {centroids.shape[-1]}: both '
            'must be of one embedding'
        )
    # Differences, not |z|^2 - 2zm + |m|^2, which loses the digits of points near a centroid.
    distances = (points[:, None] - centroids).square().sum(dim=2)
    # The logarithms: powers of large distances would be 0 for all clusters of a far point.
    return (-(alpha + 1) / 2 * (distances / alpha).log1p()).softmax(dim=1)


@torch.no_grad()
def target_distribution(q: Tensor) -> Tensor:
    """Return the target for all points together, ``(N, K)``; rows sum to 1.

    Squares strengthen what is sure, the soft frequencies of the clusters keep large ones from
    drawing everything. A cluster of frequency 0 gets nothing. Has no gradient.

    Args:
        q: Soft assignment of **all** points, ``(N, K)``.

    Source: 000, Eq. 3.3.
    """
    frequencies = q.sum(dim=0)
    weights = q.square().div_(frequencies.clamp_min(1e-30))
    return weights.div_(weights.sum(dim=1, keepdim=True))


def kl_clustering_loss(q: Tensor, p: Tensor, reduction: str = 'mean') -> Tensor:
    """Return the divergence of the soft assignment from its target, KL(P || Q), in nats.

    The target gets no gradient.

    Args:
        q: Soft assignment, ``(N, K)``.
        p: Target, ``(N, K)``.
        reduction: ``'sum'`` (Eq. 3.2), ``'mean'`` (over the points, what was run) or ``'none'``
            (``(N,)``).

    Source: 000, Eq. 3.2. Differs from the document: by default the mean over the points.
    """
    divergences = F.kl_div(q.log(), p.detach(), reduction='none').sum(dim=1)
    if reduction == 'none':
        return divergences
    return divergences.sum() if reduction == 'sum' else divergences.mean()
