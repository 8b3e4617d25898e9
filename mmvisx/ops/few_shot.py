"""Few-shot classification without weights of its own: unit length, responses, overlaps.

Letters: N images, K classes, S samples of few-shot classes, d channels of an activation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'certainty',
    'channel_impact',
    'maximal_response',
    'rows_of_classes',
    'top_overlap',
    'unit_length',
]


def unit_length(x: Tensor) -> Tensor:
    """Return ``x`` ``(..., d)`` with each vector divided by its L2 norm; zeros stay zeros."""
    return F.normalize(x, dim=-1)


def certainty(logits: Tensor, activations: Tensor) -> Tensor:
    """Return the highest logits in units of the activation's length, ``(N,)``.

    Args:
        logits: ``(N, K)``.
        activations: ``(N, d)``; one of length 0 has a certainty of 0.
    """
    return logits.amax(dim=1) / activations.norm(dim=1).clamp(min=1e-12)


def rows_of_classes(labels: Tensor, num_classes: int) -> Tensor:
    """Return which samples belong to each class.

    Args:
        labels: Class of each sample, ``(S,)``; every class has one sample at least.
        num_classes: K.

    Returns:
        Indices of samples, ``(K, M)`` for M samples in the largest class; classes with fewer
        repeat their first sample.
    """
    order = labels.argsort(stable=True)
    counts = torch.bincount(labels, minlength=num_classes)
    first = counts.cumsum(0) - counts
    most = int(counts.max()) if num_classes else 0
    place = torch.arange(most, device=labels.device).expand(num_classes, most)
    return order[first[:, None] + place.where(place < counts[:, None], 0)]


def maximal_response(responses: Tensor, rows: Tensor) -> Tensor:
    """Return the largest response among the samples of each class.

    Args:
        responses: Of each image to each sample, ``(N, S)``.
        rows: Samples of each class, ``(K, M)`` (:func:`rows_of_classes`).

    Returns:
        ``(N, K)``.

    Source: 001, section 2.2.2 and Figure 2-4a.
    """
    return responses[:, rows].amax(dim=-1)


def channel_impact(weight: Tensor) -> Tensor:
    """Return how much each input channel weighs, of unit L2 norm, ``(d,)``.

    Args:
        weight: Maps input channels to outputs, ``(outputs, d)``: the matrix of a one-layer
            predictor, or a classifier's weights.

    Source: 001, section 2.4.1.5: ``I_j = sum_i |w_ij|``.
    """
    return unit_length(weight.abs().sum(dim=0))


def top_overlap(first: Tensor, second: Tensor, k: int) -> float:
    """Return the share of channels that are among the ``k`` largest of both.

    Args:
        first: Impacts, ``(d,)``.
        second: Impacts, ``(d,)``.
        k: From 1 to d.

    Source: 001, Eq. 2.7.
    """
    tops = [set(impact.topk(k).indices.tolist()) for impact in (first, second)]
    return len(tops[0] & tops[1]) / k
