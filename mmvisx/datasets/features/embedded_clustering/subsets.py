"""Parts of points: with classes of unequal sizes, and with some held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .labels import read_labels
from .rows import open_rows
from .vectors import VectorDataset

__all__ = ['ImbalancedVectors', 'VectorSplit', 'retained_rows', 'split_rows']


def retained_rows(labels: np.ndarray, r_min: float, seed: int = 0) -> np.ndarray:
    """Return the rows of a sample whose classes have unequal sizes, in their order, ``(m,)``.

    A point of class c of K is kept with probability ``r_min + (1 - r_min) c / (K - 1)``: the first
    class with ``r_min``, the last with 1.

    Args:
        labels: ``(n,)``, from 0.
        r_min: Above 0, at most 1.
        seed: Of the draws.

    Raises:
        UserError: ``r_min`` is out of range, or there are fewer than two classes.

    Source: 000, section 3.5.4 and Table 3.4.
    """
    if not 0 < r_min <= 1:
        raise UserError(f'r_min={r_min} is a probability above 0')
    last = int(labels.max())
    if last < 1:
        raise UserError('classes of unequal sizes are two or more')
    kept = r_min + (1 - r_min) * labels / last
    return np.flatnonzero(np.random.default_rng(seed).random(len(labels)) < kept)


def split_rows(count: int, share: float = 1 / 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those held out, each in order, ``(m,)`` and ``(n - m,)``.

    Args:
        count: Of the points, n.
        share: Held out, between 0 and 1; at least one point is, and one is not.
        seed: Of the choice.

    Raises:
        UserError: ``share`` is out of range, or there are fewer than two points.

    Source: 000, section 3.5.5; that it is a seventh is of the settings published with it.
    """
    if not 0 < share < 1 or count < 2:
        raise UserError(f'share={share} of {count} points: both parts need some')
    held = min(max(1, round(share * count)), count - 1)
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[held:]), np.sort(order[:held])


@DATASETS.register_module()
class ImbalancedVectors(VectorDataset):
    """A sample of points whose classes have unequal sizes: :func:`retained_rows`.

    Args:
        data: Of :class:`mmvisx.VectorDataset`.
        labels: The same; needed.
        r_min: Probability that a point of the first class is kept.
        seed: Of the draws.
        **kwargs: Of :class:`mmvisx.VectorDataset`.

    Raises:
        UserError: See :func:`retained_rows`.

    Source: 000, section 3.5.4 and Table 3.4.
    """

    def __init__(self, data: Any, labels: Any, r_min: float, seed: int = 0, **kwargs: Any) -> None:
        found, _ = read_labels(labels, open_rows(data).shape[0])
        super().__init__(data, labels, rows=retained_rows(found, r_min, seed), **kwargs)


@DATASETS.register_module()
class VectorSplit(VectorDataset):
    """The points to train on, or those held out for G: :func:`split_rows`.

    Args:
        data: Of :class:`mmvisx.VectorDataset`.
        part: ``'train'`` or ``'held_out'``.
        share: Held out.
        seed: Of the choice; the same for both parts.
        **kwargs: Of :class:`mmvisx.VectorDataset`.

    Raises:
        UserError: There is no such part; see :func:`split_rows`.

    Source: 000, section 3.5.5.
    """

    def __init__(
        self, data: Any, part: str, share: float = 1 / 7, seed: int = 0, **kwargs: Any
    ) -> None:
        if part not in ('train', 'held_out'):
            raise UserError(f"part={part!r} of VectorSplit is 'train' or 'held_out'")
        parts = split_rows(open_rows(data).shape[0], share, seed)
        super().__init__(data, rows=parts[part == 'held_out'], **kwargs)
