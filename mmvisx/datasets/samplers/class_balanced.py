"""Draw every class equally often from data in which some are rare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dataset import DefaultSampler
from torch import Tensor

from mmvisx.datasets.classification.class_counts import read_labels
from mmvisx.registry import DATA_SAMPLERS
from mmvisx.utils.errors import UserError

__all__ = ['ClassBalancedSampler', 'balanced_indices']


def balanced_indices(
    groups: list[Tensor], per_class: int, generator: torch.Generator | None = None
) -> Tensor:
    """Take ``per_class`` indices of each group, ``(K * per_class,)``, group by group.

    A larger group is thinned out at random. A smaller one is taken as a whole as often as it
    fits, and the rest at random without repetition, so that no image is seen more than once
    more often than another of its class.
    """
    parts = []
    for group in groups:
        whole, rest = divmod(per_class, len(group))
        chosen = torch.randperm(len(group), generator=generator)[:rest]
        parts += [group] * whole + [group[chosen]]
    return torch.cat(parts)


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(DefaultSampler):
    """Over- or under-sample so that all classes come up equally often.

    An epoch is K classes times as many images as the largest (``'over'``) or the smallest class
    (``'under'``) has. Over-sampling repeats images of rare classes, which the training's random
    augmentation turns into new ones; under-sampling leaves out images of frequent classes,
    others in each epoch. Classes without an image are left out.

    Args:
        dataset: With one label to an image.
        mode: ``'over'`` or ``'under'``.
        seed: Of the order and of the choice, the same on all processes.
        round_up: Repeat a few indices so that every process gets the same number.

    Raises:
        UserError: an unknown mode, or a data set without labels or with several to an image.

    Source: 004, slide 62, "Over-sampling", "Under-sampling". MMEngine's
    ``ClassBalancedDataset`` over-samples too, up to a threshold of frequency and with the same
    images repeated in every epoch.
    """

    def __init__(
        self, dataset: Any, mode: str = 'over', seed: int | None = None, round_up: bool = True
    ) -> None:
        if mode not in ('over', 'under'):
            raise UserError(f"mode={mode!r} of ClassBalancedSampler is not 'over' or 'under'")
        super().__init__(dataset, shuffle=True, seed=seed, round_up=round_up)
        labels = torch.from_numpy(read_labels(dataset))
        self.mode = mode
        self._groups = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
        sizes = [len(group) for group in self._groups]
        self.per_class = max(sizes) if mode == 'over' else min(sizes)
        total = self.per_class * len(sizes)
        if round_up:
            self.num_samples = math.ceil(total / self.world_size)
            self.total_size = self.num_samples * self.world_size
        else:
            self.num_samples = math.ceil((total - self.rank) / self.world_size)
            self.total_size = total

    def __iter__(self) -> Iterator[int]:
        """Draw this process's part of an epoch."""
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        indices = balanced_indices(self._groups, self.per_class, generator)
        order = torch.randperm(len(indices), generator=generator)
        drawn = indices[order].tolist()
        drawn += drawn[: self.total_size - len(drawn)]
        return iter(drawn[self.rank : self.total_size : self.world_size])
