"""What a step of co-training does with its batch, apart from the networks.

Letters: b labelled images of a view, m unlabelled ones. A *pair* of views learns from a *bundle* of
data: labelled images b_1 for the first, b_2 for the second, unlabelled ones b_u for both.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['is_labelled', 'mean_of_kept', 'pairing', 'split_bundles']


def pairing(views: int, seed: int, step: int) -> list[tuple[int, int]]:
    """Return which views learn together in a step, drawn from seed and step alone.

    Of an odd number one view is left out. Within a pair the order is drawn as well; the first
    gets b_1.

    Source: 001, Eq. 3.8.
    """
    order = np.random.default_rng([seed, step]).permutation(views).tolist()
    return list(zip(order[::2], order[1::2], strict=False))


def is_labelled(labels: Tensor) -> Tensor:
    """Return which images have a label that is not below 0, ``(N,)``.

    Args:
        labels: Of images, ``(N,)``, or of their pixels, ``(N, H, W)``.
    """
    return (labels.reshape(len(labels), -1) >= 0).any(dim=1)


def split_bundles(
    inputs: Tensor, labels: Tensor, bundles: int
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Cut a batch into ``[b_1, b_u]``, ``[b_2, b_u]`` and both labels of every bundle.

    Args:
        inputs: Images, ``(N, C, H, W)``.
        labels: ``(N,)`` or ``(N, H, W)``, below 0 for unlabelled images.
        bundles: How many.

    Raises:
        UserError: the batch is not one of so many bundles.
    """
    size, rest = divmod(len(labels), bundles)
    known = is_labelled(labels)
    b = int(known[:size].sum()) // 2
    wanted = torch.arange(size, device=labels.device) < 2 * b
    if rest or not 0 < 2 * b < size or not torch.equal(known, wanted.repeat(bundles)):
        raise UserError(
            f'a batch of {len(labels)} images is not made of {bundles} bundles, as many as the '
            'model has pairs of views: set train_dataloader.batch_sampler=dict(type='
            f"'mmvisx.BundleBatchSampler', bundles={bundles})"
        )
    found = []
    for x, y in zip(inputs.split(size), labels.split(size), strict=True):
        first = [*range(b), *range(2 * b, size)]
        second = list(range(b, size))
        found.append((x[first], x[second], torch.stack([y[first], y[second]])))
    return found


def mean_of_kept(losses: Tensor, kept: Tensor | None) -> Tensor:
    """Return the mean of losses, to which images that are not kept add 0.

    Args:
        losses: Of b labelled images, or of none, and m unlabelled ones, ``(b + m,)`` or
            ``(b + m, H, W)``.
        kept: 1 for unlabelled images that count, 0 for others, ``(m,)``; None: all count.
    """
    if kept is None:
        return losses.mean()
    weights = F.pad(kept.to(losses), (len(losses) - len(kept), 0), value=1.0)
    of_images = losses.reshape(len(losses), -1).mean(dim=1)
    return (of_images * weights).mean()
