"""The metrics of an evaluation as a table, whichever evaluator returned them.

Vocabulary: a key is ``{prefix}/{kind}_{measure}`` or ``{prefix}/{measure}``, as
``coco/bbox_mAP_50`` and ``person/mIoU``; prefix and kind make a row, the measure is a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from .screen import plain_table

__all__ = ['class_table', 'headline', 'metric_table']

KINDS = {'bbox': 'box', 'segm': 'mask', 'proposal': 'proposal'}
MEASURES = {'mAP': 'AP', 'mAP_s': 'AP small', 'mAP_m': 'AP medium', 'mAP_l': 'AP large'}
MAIN = ('AP', 'mAP', 'mIoU')  # of a row that has it; else the first
MOST_COLUMNS = 7

Rows = dict[str, dict[str, float]]


def metric_table(metrics: Mapping[str, Any], classes: Iterable[str] = ()) -> Table:
    """Return the table of the metrics that are of all classes.

    Args:
        metrics: What an evaluator returned; what is no number is left out.
        classes: Names of the data set; ``{kind}_AP_{class}`` is left out.
    """
    rows = _rows(metrics, classes)
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    if len(columns) > MOST_COLUMNS:  # one below the other
        table = plain_table('', 'value')
        for row, values in rows.items():
            for name, value in values.items():
                table.add_row(f'{row} {name}'.strip(), _shown(value))
        return table
    table = plain_table('', *columns)
    for row, values in rows.items():
        table.add_row(row, *(_shown(values[c]) if c in values else '' for c in columns))
    return table


def class_table(metrics: Mapping[str, Any], classes: Iterable[str]) -> Table | None:
    """Return the table of the AP of each class, if the metrics have it."""
    found: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        kind, mark, name = key.rpartition('/')[2].partition('_AP_')
        if mark and name in set(classes):
            found.setdefault(name, {})[f'{KINDS.get(kind, kind)} AP'] = float(value)
    if not found:
        return None
    columns = list(dict.fromkeys(column for values in found.values() for column in values))
    table = plain_table('', *columns)
    for name, values in found.items():
        table.add_row(name, *(_shown(values[c]) if c in values else '' for c in columns))
    return table


def headline(metrics: Mapping[str, Any], classes: Iterable[str] = ()) -> str:
    """Return the main measure of each row: ``'box AP 0.312, mask AP 0.287'``."""
    texts = []
    for row, values in _rows(metrics, classes).items():
        name = next((name for name in MAIN if name in values), next(iter(values)))
        texts.append(f'{row} {name} {_shown(values[name])}'.strip())
    return ', '.join(texts)


def _rows(metrics: Mapping[str, Any], classes: Iterable[str]) -> Rows:
    rows: Rows = {}
    of_class = {f'_AP_{name}' for name in classes}
    prefixes = {key.rpartition('/')[0] for key in metrics}
    for key, value in metrics.items():
        prefix, _, name = key.rpartition('/')
        number = _number(value)
        if number is None or any(name.endswith(end) for end in of_class):
            continue
        kind, mark, measure = name.partition('_')
        if not mark or kind not in KINDS:
            kind, measure = '', name
        row = [KINDS.get(kind, '')] if len(prefixes) == 1 else [prefix, KINDS.get(kind, '')]
        if kind:
            measure = MEASURES.get(measure, re.sub(r'^mAP_(?=\d+$)', 'AP', measure))
        rows.setdefault(' '.join(filter(None, row)), {})[measure] = number
    return rows


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _shown(value: float) -> str:
    """Return a number with three digits of a share, one or two behind the point of a percentage.

    NaN, and the -1 of pycocotools, say that there was nothing to find.
    """
    if value != value or value == -1:
        return '-'
    return f'{value:.3f}' if abs(value) <= 1 else f'{value:.2f}'
