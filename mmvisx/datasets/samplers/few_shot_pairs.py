"""Batches in which every image meets another one of its class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dataset import DefaultSampler
from torch import Tensor

from mmvisx.datasets.classification.class_counts import read_labels
from mmvisx.registry import DATA_SAMPLERS
from mmvisx.utils.errors import UserError

__all__ = ['PairSampler', 'draw_pairs']


def draw_pairs(groups: list[Tensor], generator: torch.Generator | None = None) -> Tensor:
    """Pair the indices of each group at random, ``(P, 2)``, in a random order.

    Where a group has an odd number, one of its indices comes twice, in two pairs.

    Args:
        groups: Indices, ``(n,)`` each, two at least.
        generator: Of the draws.
    """
    pairs = []
    for group in groups:
        order = group[torch.randperm(len(group), generator=generator)]
        order = torch.cat([order, order[: len(order) % 2]])
        pairs.append(order.view(-1, 2))
    whole = torch.cat(pairs)
    return whole[torch.randperm(len(whole), generator=generator)]


@DATA_SAMPLERS.register_module()
class PairSampler(DefaultSampler):
    """Shuffle so that two images of a class follow each other; a batch size must be even.

    Args:
        dataset: With one label to an image.
        seed: Of the order, the same on all processes.

    Raises:
        UserError: A class has one image only, or the data set has no labels.

    Source: 001, section 2.4.1.1, for the triplet network: an anchor needs an image of its class.
    The document does not say how batches are made.
    """

    def __init__(self, dataset: Any, seed: int | None = None) -> None:
        super().__init__(dataset, shuffle=True, seed=seed)
        labels = torch.from_numpy(read_labels(dataset))
        self._groups = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
        single = next((group for group in self._groups if len(group) < 2), None)
        if single is not None:
            raise UserError(
                f'class {int(labels[single[0]])} has one image only, and PairSampler needs two: '
                'add images or take the class out of the data set'
            )
        pairs = sum((len(group) + 1) // 2 for group in self._groups)
        self._pairs = -(-pairs // self.world_size)  # of a process
        self.num_samples = 2 * self._pairs
        self.total_size = self.num_samples * self.world_size

    def __iter__(self) -> Iterator[int]:
        """Draw this process's part of an epoch."""
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        pairs = draw_pairs(self._groups, generator)
        pairs = torch.cat([pairs, pairs[: self._pairs * self.world_size - len(pairs)]])
        return iter(pairs[self.rank :: self.world_size].flatten().tolist())
