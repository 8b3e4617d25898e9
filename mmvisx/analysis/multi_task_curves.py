"""Learning curves of one task, trained separately and jointly (002, Figures 6.2 and 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar
from mmvisx.visualization.figure import new_figure, save_figure

from .training_curves import read_curves

__all__ = ['TaskCurve', 'plot_task_curves', 'read_task_curves']

PANELS = {'mIoU': 'mIoU (%)', 'val_loss': 'loss on validation images'}


@dataclass(frozen=True)
class TaskCurve:
    """One value over a training, of several seeds.

    Attributes:
        progress: Share of the training at each evaluation, ``(T,)`` in (0, 1]. Trainings of
            different lengths can be compared: at the end a task has seen as many images.
        values: ``(seeds, T)``.
    """

    progress: np.ndarray
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean over the seeds, ``(T,)``."""
        mean: np.ndarray = self.values.mean(axis=0)
        return mean

    @property
    def spread(self) -> np.ndarray:
        """Sample standard deviation, ``(T,)``; zero for one seed."""
        if len(self.values) == 1:
            return np.zeros(self.values.shape[1])
        spread: np.ndarray = self.values.std(axis=0, ddof=1)
        return spread


def read_task_curves(row: str | Path, task: str) -> dict[str, TaskCurve]:
    """Read ``mIoU`` and ``val_loss`` of a task from the seeds of a row of a series.

    Args:
        row: Folder with ``seed_{n}``, or the work dir of one training.
        task: Name of the task in the logs.

    Returns:
        Nothing where the row does not train the task.

    Raises:
        UserError: There is no log, or the seeds were not evaluated at the same iterations.
    """
    folders = sorted(Path(row).glob('seed_*')) or [Path(row)]
    logs = [read_curves(folder) for folder in folders]
    found = {}
    for name in PANELS:
        key = f'{task}/{name}'
        curves = [log[key] for log in logs if key in log]
        if not curves:
            continue
        steps = curves[0][0]
        if any(curve[0] != steps for curve in curves) or len(curves) != len(logs):
            raise UserError(
                f'{row}: the seeds were not evaluated at the same iterations '
                f'({[len(curve[0]) for curve in curves]} times); are all of them finished?'
            )
        found[name] = TaskCurve(
            np.asarray(steps) / steps[-1], np.asarray([curve[1] for curve in curves])
        )
    return found


def plot_task_curves(
    series: str | Path, task: str, out: str | Path, rows: Sequence[str] | None = None
) -> Path:
    """Draw a task's mIoU and loss over every training of a series that has the task.

    Args:
        series: Work dir of ``tools/run_series.py``: a folder for each row.
        task: Name of the task.
        out: The picture to write; the suffix gives the format.
        rows: Folders of the rows to draw, all by default.

    Raises:
        UserError: A row is unknown, none has the task, or the suffix is unknown.
    """
    series = Path(series)
    known = sorted(
        path.name for path in series.glob('*') if any(path.glob('**/vis_data/scalars.json'))
    )
    for row in rows or ():
        if row not in known:
            raise UserError(f'{series} has no row {row!r}{similar(row, known)}; rows: {known}')
    curves = {row: read_task_curves(series / row, task) for row in rows or known}
    curves = {row: found for row, found in curves.items() if found}
    if not curves:
        raise UserError(f'no training in {series} has the task {task!r}; rows: {known}')
    figure, axes = new_figure(len(PANELS))
    for axis, (name, label) in zip(axes, PANELS.items(), strict=True):
        for row, found in curves.items():
            curve = found[name]
            (line,) = axis.plot(
                curve.progress, curve.mean, marker='o', markersize=3, label=row.replace('_', ' ')
            )
            low, high = curve.mean - curve.spread, curve.mean + curve.spread
            axis.fill_between(curve.progress, low, high, color=line.get_color(), alpha=0.15)
        axis.set_xlabel('share of the training')
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.suptitle(task)
    return save_figure(figure, out)
