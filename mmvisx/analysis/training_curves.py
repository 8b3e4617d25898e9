"""Curves of a training: losses and metrics from MMEngine's log to a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar
from mmvisx.visualization.figure import line_style, new_figure, save_figure

Curve = tuple[list[float], list[float]]  # iterations, values

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
        for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), 1):
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(f'{file}, line {number}: not JSON ({error})') from error
            step = record.get('step')
            if step is None:
                raise UserError(f'{file}, line {number}: no "step"; not a scalars.json?')
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


def default_keys(curves: dict[str, Curve]) -> list[str]:
    """Return the keys of the total loss and of the metrics (which have a ``/``)."""
    metrics = [k for k in curves if '/' in k and '_AP_' not in k]
    return [k for k in ('loss',) if k in curves] + metrics


def plot_curves(
    logs: Sequence[str | Path],
    keys: Sequence[str] | None,
    out: str | Path,
    legend: Sequence[str] | None = None,
) -> Path:
    """Draw the curves of one or more logs into a picture, losses left and metrics right.

    Args:
        logs: work dirs or ``scalars.json`` files.
        keys: names of the values; None takes the total loss and all metrics.
        out: the picture to write; the suffix gives the format.
        legend: one name per log, by default the name of its folder.

    Raises:
        UserError: a log is missing, or has none of the keys (the message lists what it has).
    """
    if legend is not None and len(legend) != len(logs):
        raise UserError(f'--legend has {len(legend)} names for {len(logs)} logs')
    runs = [(Path(log), read_curves(log)) for log in logs]
    chosen = list(keys or dict.fromkeys(k for _, c in runs for k in default_keys(c)))
    for path, curves in runs:
        for key in keys or ():
            if key not in curves:
                raise UserError(
                    f'{path} has no {key!r}{similar(key, curves)}; '
                    f'it has {", ".join(sorted(curves))}'
                )
    panels = ([k for k in chosen if '/' not in k], [k for k in chosen if '/' in k])
    groups = [keys_of_panel for keys_of_panel in panels if keys_of_panel]
    if not groups:
        raise UserError(f'nothing to draw: no loss and no metric in {", ".join(map(str, logs))}')
    figure, axes = new_figure(len(groups))
    for axis, group in zip(axes, groups, strict=True):
        styles = map(line_style, count())
        for index, (path, curves) in enumerate(runs):
            label = legend[index] if legend else _name(path)
            for key in group:
                if key in curves:
                    marker = 'o' if len(curves[key][0]) < 20 else None
                    text = key if len(runs) == 1 else f'{label}: {key}'
                    axis.plot(*curves[key], label=text, marker=marker, markersize=3, **next(styles))
        axis.set_xlabel('iteration')
        axis.set_ylabel('metric' if '/' in group[0] else 'value')
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    return save_figure(figure, out)


def _name(path: Path) -> str:
    parts = [p for p in path.parts if p not in ('vis_data', 'scalars.json', '/')]
    return parts[-1] if parts else str(path)
