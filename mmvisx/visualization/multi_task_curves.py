"""Learning curves of one task, trained separately and jointly (002, Figures 6.2 and 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .curves import draw_seeds, mean_and_spread
from .figure import new_figure, save_figure

__all__ = ['PANELS', 'TaskCurve', 'plot_task_curves']

PANELS = {'mIoU': 'mIoU (%)', 'val_loss': 'loss on validation images'}


@dataclass(frozen=True)
class TaskCurve:
    """One value over a training, of several seeds.

    Attributes:
        progress: Share of the training at each evaluation, ``(T,)`` in (0, 1]. Trainings of
            different lengths can be compared: at the end a task has seen as many images.
        values: ``(seeds, T)``.

    Source: 002, Figures 6.2 and 6.3.
    """

    progress: np.ndarray
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over the seeds, ``(T,)``."""
        return mean_and_spread(self.values)[0]

    @property
    def spread(self) -> np.ndarray:
        """Sample standard deviation, ``(T,)``; zero for one seed."""
        return mean_and_spread(self.values)[1]


def plot_task_curves(
    curves: Mapping[str, Mapping[str, TaskCurve]], task: str, out: str | Path
) -> Path:
    """Draw a task's mIoU and loss over every training, with their spread.

    Args:
        curves: Those of :data:`PANELS` by the name of the training.
        task: Name of the task.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    figure, axes = new_figure(len(PANELS))
    for axis, (name, label) in zip(axes, PANELS.items(), strict=True):
        for row, found in curves.items():
            draw_seeds(axis, found[name].progress, found[name].values, row.replace('_', ' '))
        axis.set_xlabel('share of the training')
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.suptitle(task)
    return save_figure(figure, out)
