"""Curves of a training: losses and metrics, from MMEngine's log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar
from mmvisx.visualization.curves import Curve, plot_curves

__all__ = [
    'TrainingCurves',
    'default_keys',
    'epoch_length',
    'find_scalars',
    'read_curves',
    'rows_of',
    'values_of_seeds',
]

_NOT_A_CURVE = {'step', 'iter', 'epoch'}


def find_scalars(log: str | Path) -> list[Path]:
    """Return the ``scalars.json`` files of a work dir (one per start), oldest first.

    Raises:
        UserError: ``log`` does not exist or holds no log.
    """
    path = Path(log)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f'log {path} does not exist; give a work dir or its vis_data/scalars.json')
    files = sorted(path.glob('**/vis_data/scalars.json'))
    if not files:
        raise UserError(f'no */vis_data/scalars.json in {path}; did a training run there?')
    return files


def read_curves(log: str | Path) -> dict[str, Curve]:
    """Return ``{key: (iterations, values)}`` of a work dir or a ``scalars.json``.

    Validation lines of an epoch-based run count epochs; they are put at the iteration at
    which the epoch ended. After a resume the later values win.

    Raises:
        UserError: there is no log, or a line is not JSON.
    """
    points: dict[str, dict[float, float]] = {}
    for file in find_scalars(log):
        ends: dict[int, int] = {}  # epoch -> last iteration logged in it
        for record in _records(file):
            step = record['step']
            if 'epoch' in record and 'iter' in record:
                ends[int(record['epoch'])] = int(record['iter'])
            elif 'iter' not in record:
                step = ends.get(int(step), step)
            for key, value in record.items():
                if value == -1 and '/' in key:
                    continue  # COCO's AP of sizes that no object has
                if key not in _NOT_A_CURVE and isinstance(value, int | float):
                    points.setdefault(key, {})[step] = value
    if not points:
        raise UserError(f'{log} holds no values yet')
    return {key: (sorted(p), [p[step] for step in sorted(p)]) for key, p in points.items()}


def epoch_length(log: str | Path) -> float | None:
    """Return the iterations of an epoch, None where the log does not count epochs.

    The last epoch may not be over, so it does not count if there are others.

    Raises:
        UserError: see :func:`read_curves`.
    """
    ends: dict[int, int] = {}
    for file in find_scalars(log):
        for record in _records(file):
            if 'epoch' in record and 'iter' in record:
                ends[int(record['epoch'])] = int(record['iter'])
    if not ends:
        return None
    over = sorted(ends)[:-1] or list(ends)
    first, last = over[0], over[-1]
    if first == last:
        return ends[last] / last
    return (ends[last] - ends[first]) / (last - first)


def _records(file: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), 1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f'{file}, line {number}: not JSON ({error})') from error
        if record.get('step') is None:
            raise UserError(f'{file}, line {number}: no "step"; not a scalars.json?')
        yield record


def rows_of(series: str | Path, rows: Sequence[str] | None = None) -> list[str]:
    """Return the folders of a series' trainings, those of ``rows`` or all.

    Args:
        series: Work dir of ``tools/run_series.py``: a folder for each row.

    Raises:
        UserError: there is no training's log, or a row is unknown.
    """
    known = sorted(
        path.name for path in Path(series).glob('*') if any(path.glob('**/vis_data/scalars.json'))
    )
    if not known:
        raise UserError(
            f'no log of a training (*/vis_data/scalars.json) below {series}: give the work dir of '
            'tools/run_series.py'
        )
    for row in rows or ():
        if row not in known:
            raise UserError(f'{series} has no row {row!r}{similar(row, known)}; rows: {known}')
    return list(rows or known)


def values_of_seeds(
    logs: Sequence[Mapping[str, Curve]], key: str, row: str | Path
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return iterations ``(T,)`` and values ``(seeds, T)`` of a key, None where no seed has it.

    Args:
        logs: :func:`read_curves` of each seed.
        row: Where they are from, for the message.

    Raises:
        UserError: the seeds were not measured at the same iterations.
    """
    curves = [log[key] for log in logs if key in log]
    if not curves:
        return None
    steps = curves[0][0]
    if any(curve[0] != steps for curve in curves) or len(curves) != len(logs):
        raise UserError(
            f'{row}: the seeds were not evaluated at the same iterations '
            f'({[len(curve[0]) for curve in curves]} times); are all of them finished?'
        )
    return np.asarray(steps), np.asarray([curve[1] for curve in curves])


def default_keys(curves: dict[str, Curve]) -> list[str]:
    """Return the keys of the total loss and of the metrics (which have a ``/``)."""
    metrics = [k for k in curves if '/' in k and '_AP_' not in k]
    return [k for k in ('loss',) if k in curves] + metrics


@ANALYSES.register_module()
class TrainingCurves:
    """Losses and metrics over one or more trainings.

    Args:
        keys: Names of the values; ``None`` takes the total loss and all metrics.
        legend: One name per log, by default the name of its folder.

    Source: 001, Figure 6-7.
    """

    def __init__(
        self, keys: Sequence[str] | None = None, legend: Sequence[str] | None = None
    ) -> None:
        self.keys = keys
        self.legend = legend

    def measure(self, logs: Sequence[str | Path]) -> list[tuple[str, dict[str, Curve]]]:
        """Return name and curves of each training.

        Args:
            logs: work dirs or ``scalars.json`` files.

        Raises:
            UserError: a log is missing, or has none of the keys (the message lists what it has).
        """
        if self.legend is not None and len(self.legend) != len(logs):
            raise UserError(f'--legend has {len(self.legend)} names for {len(logs)} logs')
        names = self.legend or [_name(Path(log)) for log in logs]
        runs = [read_curves(log) for log in logs]
        for log, curves in zip(logs, runs, strict=True):
            for key in self.keys or ():
                if key not in curves:
                    raise UserError(
                        f'{log} has no {key!r}{similar(key, curves)}; '
                        f'it has {", ".join(sorted(curves))}'
                    )
        if not (self.keys or any(default_keys(curves) for curves in runs)):
            listed = ', '.join(map(str, logs))
            raise UserError(f'nothing to draw: no loss and no metric in {listed}')
        return list(zip(names, runs, strict=True))

    def draw(self, runs: Sequence[tuple[str, dict[str, Curve]]], out: str | Path) -> Path:
        """Draw the curves, losses left and metrics right; the suffix of ``out`` gives the format.

        Raises:
            UserError: an unknown suffix.
        """
        found = dict.fromkeys(key for _, curves in runs for key in default_keys(curves))
        return plot_curves(runs, list(self.keys or found), out)


def _name(path: Path) -> str:
    parts = [p for p in path.parts if p not in ('vis_data', 'scalars.json', '/')]
    return parts[-1] if parts else str(path)
