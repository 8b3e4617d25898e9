"""What a parameter predictor is trained and validated on, out of banks of activations."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .few_shot_bank import ActivationBank

__all__ = ['BankBatches', 'StatisticSets']


@DATASETS.register_module()
class StatisticSets(Dataset):
    """A statistic set and a training set a step, each with one entry for every class.

    Item ``i`` depends on the seed and ``i`` only, so a training that goes on from a checkpoint
    draws what it would have drawn, and processes that share the items draw different ones.

    Args:
        bank: Folder of a bank (:class:`mmvisx.ActivationBank`) of the large classes.
        steps: Number of items.
        p_mean: Probability that a class is represented by its mean activation; 1 is Eq. 2.1.
        seed: Of the draws.

    Raises:
        UserError: The bank is no bank, ``p_mean`` is not in [0, 1] or ``steps`` is below 1.

    Source: 001, section 2.2.3; p_mean = 0.9 in 2.2.4.1.
    """

    def __init__(self, bank: str | Path, steps: int, p_mean: float = 0.9, seed: int = 0) -> None:
        if not 0 <= p_mean <= 1:
            raise UserError(f'p_mean={p_mean} of StatisticSets is a probability: from 0 to 1')
        if steps < 1:
            raise UserError(f'steps={steps} of StatisticSets must be at least 1')
        self.bank = ActivationBank(bank)
        self.steps, self.p_mean, self.seed = steps, p_mean, seed

    @property
    def metainfo(self) -> dict[str, Any]:
        """Names of the classes."""
        return dict(classes=tuple(self.bank.classes))

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return ``statistics`` ``(K, d)``, ``activations`` ``(K, d)`` and ``labels`` ``(K,)``."""
        rng = np.random.default_rng((self.seed, index))
        statistics = self.bank.statistics(rng, self.p_mean)
        activations = self.bank.read(self.bank.draw(rng))
        return dict(
            statistics=torch.from_numpy(statistics),
            activations=torch.from_numpy(activations),
            labels=torch.arange(len(activations)),
        )


@DATASETS.register_module()
class BankBatches(Dataset):
    """The images of a bank in batches, with the mean activations of another's classes.

    Args:
        bank: Folder of the bank whose images are classified.
        means: Folder of the bank whose means represent the classes; the same classes.
        batch_size: Images an item.

    Raises:
        UserError: The banks differ in classes or channels.

    Source: 001, section 2.2.2: large classes are represented by their mean.
    """

    def __init__(self, bank: str | Path, means: str | Path, batch_size: int = 1024) -> None:
        self.bank, source = ActivationBank(bank), ActivationBank(means)
        if (self.bank.classes, self.bank.channels) != (source.classes, source.channels):
            raise UserError(
                f'bank {bank} has {len(self.bank.classes)} classes and {self.bank.channels} '
                f'channels, bank {means} {len(source.classes)} and {source.channels}, or the names '
                'differ: both must be of the same classifier and classes'
            )
        self._means = source.means
        self.batch_size = batch_size

    @property
    def metainfo(self) -> dict[str, Any]:
        """Names of the classes."""
        return dict(classes=tuple(self.bank.classes))

    @cached_property
    def statistics(self) -> torch.Tensor:
        """Mean activation of each class, ``(K, d)``."""
        return torch.from_numpy(self._means.astype(np.float32))

    def __len__(self) -> int:
        return -(-len(self.bank) // self.batch_size)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return ``statistics`` ``(K, d)``, ``activations`` ``(N, d)`` and ``labels`` ``(N,)``."""
        rows = np.arange(
            index * self.batch_size, min((index + 1) * self.batch_size, len(self.bank))
        )
        return dict(
            statistics=self.statistics,
            activations=torch.from_numpy(self.bank.read(rows)),
            labels=torch.from_numpy(self.bank.labels[rows]),
        )
