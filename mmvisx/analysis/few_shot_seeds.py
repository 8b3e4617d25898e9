"""Few-shot tables of several seeds as one, and how large classes are traded for few ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['SeedMeans', 'SeedTables']

METRICS = ('large/top1', 'few/top1')
MARKERS = 'os^vDP*X<>dph8'


class SeedMeans(NamedTuple):
    """Top-1 of rows in percent, each by its mean over draws.

    Attributes:
        rows: Names, in the order of the tables.
        shots: Numbers of samples, in that order.
        values: By row and number of samples, ``(seeds, 2)``: on large and on few classes.
    """

    rows: list[str]
    shots: list[int]
    values: dict[tuple[str, int], np.ndarray]


@ANALYSES.register_module()
class SeedTables:
    """Mean and spread over seeds of what ``mmvisx few-shot compare --out`` wrote.

    Args:
        against: Row that others are compared with, seed by seed; ``None``: no comparison.

    Not in the document.
    """

    def __init__(self, against: str | None = None) -> None:
        self.against = against

    def measure(self, tables: Sequence[Sequence[Mapping[str, Any]]]) -> SeedMeans:
        """Return means over draws.

        Args:
            tables: Results of every draw, a list for each seed.

        Raises:
            UserError: The tables have other rows or numbers of samples, or ``against`` is no row.
        """
        found: list[dict[tuple[str, int], list[tuple[float, ...]]]] = []
        for results in tables:
            own: dict[tuple[str, int], list[tuple[float, ...]]] = {}
            for result in results:
                key = (result['row'], result['shots'])
                own.setdefault(key, []).append(tuple(result[m] for m in METRICS))
            found.append(own)
        for number, own in enumerate(found):
            other = sorted(set(own) ^ set(found[0]))
            if other:
                raise UserError(
                    f'table {number + 1}: row {other[0][0]!r} with {other[0][1]} samples is only '
                    'in it or only in the first; give tables of the same rows'
                )
        rows = list(dict.fromkeys(row for row, _ in found[0]))
        self._known(rows, [self.against] if self.against else [])
        values = {key: np.array([np.mean(own[key], axis=0) for own in found]) for key in found[0]}
        return SeedMeans(rows, sorted({shots for _, shots in found[0]}), values)

    def draw(self, means: SeedMeans) -> Table:
        """Return a table: large / few, mean and standard deviation over seeds.

        With ``against`` there are lines for the differences, too, which are of the same seeds.
        """
        table = Table('row', *(f'{shots} samples' for shots in means.shots))
        for row in means.rows:
            table.add_row(row, *self._cells(means, row))
        for row in means.rows if self.against else ():
            if row != self.against:
                table.add_row(f'{row} - {self.against}', *self._cells(means, row, self.against))
        return table

    def draw_curve(self, means: SeedMeans, rows: Sequence[str], out: str | Path) -> Path:
        """Draw accuracy on few classes over that on large ones, a curve for each number of samples.

        Args:
            means: Of :meth:`measure`.
            rows: Points of the curves, in their order, as a sweep of ``p_mean``.
            out: The picture.

        Raises:
            UserError: There is no such row.
        """
        self._known(means.rows, rows)
        figure, (axis,) = new_figure(1)
        shown = [s for s in means.shots if all((row, s) in means.values for row in rows)]
        for shots in shown:
            points = np.array([means.values[row, shots].mean(axis=0) for row in rows])
            label = f'{shots} sample{"s" if shots > 1 else ""}'
            (line,) = axis.plot(points[:, 0], points[:, 1], label=label)
            for number, (x, y) in enumerate(points):
                axis.plot(x, y, MARKERS[number % len(MARKERS)], color=line.get_color())
        # Names at the points would overlap where a sweep stands still.
        for number, row in enumerate(rows):
            axis.plot([], [], MARKERS[number % len(MARKERS)], color='grey', label=row)
        axis.set_xlabel('top-1 on large classes (%)')
        axis.set_ylabel('top-1 on few classes (%)')
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc='center left', bbox_to_anchor=(1, 0.5))
        return save_figure(figure, out)

    def _known(self, rows: Sequence[str], wanted: Sequence[str]) -> None:
        for row in wanted:
            if row not in rows:
                raise UserError(f'no row is called {row!r}; there are: {", ".join(rows)}')

    def _cells(self, means: SeedMeans, row: str, against: str | None = None) -> list[str]:
        cells = []
        for shots in means.shots:
            if (row, shots) not in means.values or (against or row, shots) not in means.values:
                cells.append('')
                continue
            values = means.values[row, shots]
            values = values if against is None else values - means.values[against, shots]
            sign = '+' if against else ''
            texts = [f'{mean:{sign}.1f}' for mean in values.mean(axis=0)]
            if len(values) > 1:
                deviations = values.std(axis=0, ddof=1)
                texts = [f'{t} ± {d:.1f}' for t, d in zip(texts, deviations, strict=True)]
            cells.append(' / '.join(texts))
        return cells
