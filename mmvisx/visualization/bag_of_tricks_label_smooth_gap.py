"""The gap of the scores over epsilon, and its distribution (000, Figure 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmvisx.models.losses.bag_of_tricks_label_smooth import optimal_gap

from .figure import new_figure, save_figure

__all__ = ['plot_gaps']


def plot_gaps(
    gaps: Mapping[str, np.ndarray],
    num_classes: int,
    out: str | Path,
    epsilon: float = 0.1,
    mode: str = 'printed',
) -> Path:
    """Draw the theoretical gap over epsilon (a) and the measured distributions (b).

    Args:
        gaps: The measured gaps ``(N,)`` by the name of the model.
        num_classes: K.
        out: The picture; the suffix gives the format.
        epsilon: Whose theoretical gap is marked in both panels.
        mode: Of :func:`~mmvisx.models.losses.bag_of_tricks_label_smooth.smooth_labels`.
    """
    theory = optimal_gap(epsilon, num_classes, mode)
    figure, (left, right) = new_figure(2)
    # From the end on, all classes are wanted with the same score.
    end = (num_classes - 1) / num_classes if mode == 'printed' else 1.0
    grid = np.linspace(0.002, end, 400)
    left.plot(grid, [optimal_gap(e, num_classes, mode) for e in grid])
    if np.isfinite(theory):
        left.plot([epsilon], [theory], 'o', label=f'eps = {epsilon:g}: {theory:.2f}')
        right.axvline(theory, color='black', linestyle='--', label=f'theory: {theory:.2f}')
        left.legend(fontsize=8)
    left.set_xlabel('epsilon')
    left.set_ylabel(f'theoretical gap, K = {num_classes}')
    bins = np.histogram_bin_edges(np.concatenate(list(gaps.values())), 60)
    for name, values in gaps.items():
        right.hist(values, bins, density=True, alpha=0.5, label=name)
    right.set_xlabel('highest score less the mean of the others')
    right.set_ylabel('density')
    right.legend(fontsize=8)
    for axis in (left, right):
        axis.grid(alpha=0.3)
    return save_figure(figure, out)
