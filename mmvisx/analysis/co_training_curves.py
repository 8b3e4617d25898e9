"""How co-trained views learn, over the epochs of a series (001, Figures 3-1, 3-2 and 3-3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar
from mmvisx.visualization.co_training_curves import Panel, plot_view_curves

from .training_curves import epoch_length, read_curves, rows_of, values_of_seeds

__all__ = ['VALUES', 'CoTrainingCurves']

VALUES = {
    'accuracy': {'views/mean': 'mean accuracy of the views (%)'},
    'difference': {
        'view_monitor.dif': 'view difference (nats)',
        'view_monitor.dif_kl': 'its KL part (nats)',
    },
    'fooling': {
        'view_monitor.own_fooling': "fooled by a view's own example (share)",
        'view_monitor.transferred_fooling': "fooled by the other's (share)",
    },
}
"""What can be drawn: keys of a log, each a panel, with the name of its axis."""


@ANALYSES.register_module()
class CoTrainingCurves:
    """Accuracy, view difference or fooling of co-trained views over epochs, of all rows.

    Args:
        what: A key of :data:`VALUES`: ``'accuracy'`` of :class:`mmvisx.ViewAccuracy` (Figures 3-1
            and 3-3), ``'difference'`` (Figure 3-2) or ``'fooling'`` of
            :class:`mmvisx.ViewMonitorHook`.
        rows: Folders of the trainings; by default all that have the values.
        epochs: First and last epoch to draw, all by default; Figure 3-3 has 100 to 200.

    Raises:
        UserError: ``what`` is unknown.

    Source: 001, Figures 3-1, 3-2 and 3-3.
    """

    def __init__(
        self,
        what: str = 'accuracy',
        rows: Sequence[str] | None = None,
        epochs: Sequence[float] | None = None,
    ) -> None:
        if what not in VALUES:
            raise UserError(
                f'--what {what!r} is not one of {", ".join(VALUES)}{similar(what, VALUES)}'
            )
        self.what = what
        self.rows = rows
        self.epochs = epochs

    def measure(self, series: Sequence[str | Path]) -> list[Panel]:
        """Return the panels: for each series one of each value.

        Args:
            series: Work dirs of ``tools/run_series.py``: a folder for each row in it.

        Raises:
            UserError: there is no log, a row is unknown, or no training has the values in these
                epochs.
        """
        return [
            Panel(Path(folder).name.replace('_', ' '), label, self._curves(folder, key))
            for folder in series
            for key, label in VALUES[self.what].items()
        ]

    def _curves(self, series: str | Path, key: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        rows = rows_of(series, self.rows)
        found = {row: self._curve(Path(series) / row, key) for row in rows}
        curves = {row: curve for row, curve in found.items() if curve is not None}
        if not curves:
            within = '' if self.epochs is None else f' in epochs {self.epochs}'
            source = 'ViewAccuracy' if self.what == 'accuracy' else 'ViewMonitorHook'
            raise UserError(
                f'no training in {series} has logged {key!r}{within}, which comes from '
                f'mmvisx.{source}; rows: {rows}'
            )
        return curves

    def _curve(self, row: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
        seeds = sorted(row.glob('seed_*')) or [row]
        found = values_of_seeds([read_curves(seed) for seed in seeds], key, row)
        if found is None:
            return None
        length = epoch_length(seeds[0])
        if length is None:
            raise UserError(f'the log of {row} counts no epochs: it is of an iteration-based loop')
        steps, values = found
        epochs = steps / length
        if self.epochs is None:
            return epochs, values
        first, last = self.epochs
        # A log's last line of an epoch may stand before its end.
        within = (epochs >= first - 0.5) & (epochs <= last + 0.5)
        return (epochs[within], values[:, within]) if within.any() else None

    def draw(self, panels: Sequence[Panel], out: str | Path) -> Path:
        """Draw the panels side by side; the suffix of ``out`` gives the format.

        Raises:
            UserError: the suffix is unknown.
        """
        return plot_view_curves(panels, out)
