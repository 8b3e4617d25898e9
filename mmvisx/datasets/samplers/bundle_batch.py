"""Batches of labelled and unlabelled images for networks that learn in pairs.

Vocabulary: S, U, D of :mod:`mmvisx.datasets.classification.semi_supervised`. A *bundle* is what a
pair of networks gets in a step: labelled images b_1 for the first, b_2 for the second, as many,
and unlabelled images b_u for both. K is the number of batches in an epoch.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Sampler

from mmvisx.registry import DATA_SAMPLERS
from mmvisx.utils.errors import UserError

__all__ = ['BundleBatchSampler', 'cuts']


def cuts(total: int, parts: int) -> np.ndarray:
    """Return where ``total`` items are cut into parts whose sizes differ by at most 1.

    Returns:
        ``(parts + 1,)``, from 0 to ``total``; part k goes from the k-th to the next.
    """
    return np.arange(parts + 1) * total // parts


class _BundleOrder(Sampler):
    """Indices of an epoch, batch after batch, each ``[b_1, b_2, b_u]`` of every bundle.

    With twins each batch comes twice, one behind the other.

    Attributes:
        seed: Of the orders.
        epoch: Which one is drawn next.
        sizes: Of labelled and unlabelled images in this process's batches, ``(K, 2)``.
    """

    def __init__(self, sampler: Any, batch_size: int, bundles: int, twins: bool) -> None:
        dataset = sampler.dataset
        self.dataset = dataset
        self.seed, self.epoch = sampler.seed, sampler.epoch
        self.bundles = bundles
        self.times = 2 if twins else 1
        self.labelled = int(dataset.num_labelled)
        self.unlabelled = len(dataset) - self.labelled
        world, rank = sampler.world_size, sampler.rank
        batches = math.ceil(len(dataset) / (batch_size * world))
        # A part for each process of each step.
        own = np.arange(batches) * world + rank
        self._cuts = [
            np.stack([where[own], where[own + 1]], axis=1)
            for where in (cuts(n, batches * world) for n in (self.labelled, self.unlabelled))
        ]
        self.sizes = np.stack([c[:, 1] - c[:, 0] for c in self._cuts], axis=1)

    def __len__(self) -> int:
        return int(self.of_batches.sum())

    @property
    def of_batches(self) -> np.ndarray:
        """Number of indices in each batch, ``(K,)``."""
        return self.times * self.bundles * (2 * self.sizes[:, 0] + self.sizes[:, 1])

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is drawn next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Draw: two orders of S and one of U for each bundle."""
        orders = []
        for bundle in range(self.bundles):
            random = np.random.default_rng([self.seed, self.epoch, bundle])
            first, second = (random.permutation(self.labelled) for _ in range(2))
            orders.append((first, second, self.labelled + random.permutation(self.unlabelled)))
        for (low, high), (start, end) in zip(*self._cuts, strict=True):
            for first, second, rest in orders * self.times:
                yield from first[low:high].tolist()
                yield from second[low:high].tolist()
                yield from rest[start:end].tolist()


@DATA_SAMPLERS.register_module()
class BundleBatchSampler(Sampler):
    """Cut an epoch of a :class:`mmvisx.SemiSupervised` into batches for pairs of networks.

    An epoch goes over D once for each network: K = ceil(\\|D\\| / ``batch_size``) steps, S and U
    each cut into K parts whose sizes differ by at most 1. The two networks of a pair see S in
    different orders and the same unlabelled images, each read and augmented once. Bundles have
    independent orders. All orders follow from seed and epoch, so a resumed run draws the same.
    On several processes each gets a part of every step's images.

    In a config::

        train_dataloader = dict(
            batch_size=100,
            sampler=dict(type='DefaultSampler', shuffle=True),  # gives data set and seed
            batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
        )

    Args:
        sampler: Knows the data set, the seed and the processes (``DefaultSampler``).
        batch_size: Labelled and unlabelled images that a network gets in a step and process.
        bundles: Pairs of networks.
        twins: Read every image of a batch a second time, with an augmentation of its own; behind
            the bundles come those of the twins (:class:`mmvisx.PiModel`).

    Raises:
        UserError: the data set has no labelled part, or some batches would have no labelled
            image. With one only there is a warning.

    Source: 001, sections 3.2.3, 3.2.4 and 3.2.5.
    """

    def __init__(
        self, sampler: Any, batch_size: int, bundles: int = 1, twins: bool = False
    ) -> None:
        if not hasattr(sampler.dataset, 'num_labelled'):
            raise UserError(
                f'BundleBatchSampler needs labelled and unlabelled images: put mmvisx.'
                f'SemiSupervised around {type(sampler.dataset).__name__}'
            )
        if bundles < 1:
            raise UserError(f'bundles={bundles!r} should be 1 or more, one for each pair of views')
        self.sampler: Any = _BundleOrder(sampler, batch_size, bundles, twins)
        self.batch_size = batch_size
        self.bundles = bundles
        order = self.sampler
        self._sizes = order.of_batches.tolist()
        self._check(order)

    @staticmethod
    def _check(order: _BundleOrder) -> None:
        least = int(order.sizes[:, 0].min())
        what = f'{order.labelled} labelled images for {len(order.sizes)} batches'
        if least < 1:
            raise UserError(
                f'{what}: some would have none. Raise batch_size of the loader, or label more'
            )
        if least < 2:
            print_log(
                f'{what}: some have only one. Batch norm does not mind, because labelled and '
                'unlabelled images go through a view together and share their statistics; but the '
                'loss of the labels is one of a single image, and rough',
                'current',
                logging.WARNING,
            )

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[list[int]]:
        """Draw the batches of an epoch."""
        indices = iter(self.sampler)
        for size in self._sizes:
            yield list(islice(indices, size))
