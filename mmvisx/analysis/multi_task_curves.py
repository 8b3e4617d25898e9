"""Learning curves of one task, trained separately and jointly (002, Figures 6.2 and 6.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.multi_task_curves import PANELS, TaskCurve, plot_task_curves

from .training_curves import read_curves, rows_of, values_of_seeds

__all__ = ['TaskCurves', 'read_task_curves']


@ANALYSES.register_module()
class TaskCurves:
    """Learning curves of one task over all trainings of a series that have it.

    Args:
        task: Name of the task.
        rows: Folders of the trainings, all by default.

    Source: 002, Figures 6.2 and 6.3.
    """

    def __init__(self, task: str, rows: Sequence[str] | None = None) -> None:
        self.task = task
        self.rows = rows

    def measure(self, series: str | Path) -> dict[str, dict[str, TaskCurve]]:
        """Return :func:`read_task_curves` of every training that has the task, by its folder.

        Args:
            series: Work dir of ``tools/run_series.py``: a folder for each row.

        Raises:
            UserError: A row is unknown, or none has the task.
        """
        series = Path(series)
        known = rows_of(series, self.rows)
        curves = {row: read_task_curves(series / row, self.task) for row in known}
        curves = {row: found for row, found in curves.items() if found}
        if not curves:
            raise UserError(f'no training in {series} has the task {self.task!r}; rows: {known}')
        return curves

    def draw(self, curves: Mapping[str, Mapping[str, TaskCurve]], out: str | Path) -> Path:
        """Draw the curves; the suffix of ``out`` gives the format.

        Raises:
            UserError: The suffix is unknown.
        """
        return plot_task_curves(curves, self.task, out)


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
        values = values_of_seeds(logs, f'{task}/{name}', row)
        if values is not None:
            steps, of_seeds = values
            found[name] = TaskCurve(steps / steps[-1], of_seeds)
    return found
