"""Learning rates over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .figure import new_figure, save_figure

__all__ = ['plot_learning_rates']


def plot_learning_rates(schedules: Sequence[tuple[str, np.ndarray, int]], out: str | Path) -> Path:
    """Draw schedules over epochs, at most 2,000 points of each.

    Args:
        schedules: Name, rates ``(N,)`` of the iterations, and iterations in an epoch.
        out: The picture; the suffix gives the format.
    """
    figure, (axis,) = new_figure(1)
    for name, rates, epoch_length in schedules:
        shown = np.unique(np.linspace(0, len(rates) - 1, 2000).astype(int))
        axis.plot(shown / epoch_length, rates[shown], label=name)
    axis.set_xlabel('epoch')
    axis.set_ylabel('learning rate')
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return save_figure(figure, out)
