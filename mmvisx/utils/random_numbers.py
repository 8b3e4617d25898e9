"""Random numbers that follow from a key."""

from __future__ import annotations

import functools
import random

import numpy as np
import torch

__all__ = ['seed_everything']


def seed_everything(*key: int) -> None:
    """Seed ``random``, NumPy and PyTorch from a tuple of non-negative integers."""
    low, high = (int(word) for word in np.random.SeedSequence(key).generate_state(2))
    random.seed(low)
    np.random.seed(low)
    if _has_accelerator():
        torch.manual_seed(high << 32 | low)
    else:
        # torch.manual_seed notes the whole call stack for a GPU that may come later, which takes
        # as long as loading a small image.
        torch.random.default_generator.manual_seed(high << 32 | low)


@functools.cache
def _has_accelerator() -> bool:
    return torch.accelerator.is_available()
