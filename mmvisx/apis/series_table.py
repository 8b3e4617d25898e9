"""Tables of a series of trainings: mean and spread, and differences seed by seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from scipy import stats

from .series import Series

CONFIDENCE = 0.95


def make_table(series: Series, results: Sequence[dict[str, Any]]) -> str:
    """Return Markdown tables: mean ± sample standard deviation, and paired differences.

    Values whose size stays at or under 1 have three decimals, others two. A row without a
    finished run shows a dash; the last column counts the runs. A series with ``pairs`` has a
    second table: the mean difference over the seeds that both rows have, with its two-sided
    95 % interval by Student's t.
    """
    lines = _header('', [*series.metrics.values(), 'minutes', 'runs'])
    for row in series.rows:
        runs = [r for r in results if r['row'] == row.name and 'metrics' in r]
        cells = [_spread([r['metrics'].get(key) for r in runs]) for key in series.metrics]
        minutes = f'{statistics.mean(r["seconds"] for r in runs) / 60:.1f}' if runs else '-'
        lines.append(_line([row.name, *cells, minutes, str(len(runs))]))
    if series.pairs:
        lines += ['', *_header('difference, 95 % interval', [*series.metrics.values(), 'pairs'])]
        for first, second in series.pairs:
            columns = [_differences(results, first, second, key) for key in series.metrics]
            count = max(len(column) for column in columns)
            cells = [_interval(column) for column in columns]
            lines.append(_line([f'{first} - {second}', *cells, str(count)]))
    return '\n'.join(lines) + '\n'


def _header(corner: str, columns: Sequence[str]) -> list[str]:
    return [_line([corner, *columns]).replace('|  |', '| |'), '|' + ' --- |' * (len(columns) + 1)]


def _line(cells: Sequence[str]) -> str:
    return '| ' + ' | '.join(cells) + ' |'


def _differences(
    results: Sequence[dict[str, Any]], first: str, second: str, key: str
) -> list[float]:
    """Return ``first - second`` of one metric for every seed that both rows have."""
    values: dict[str, dict[int, float]] = {first: {}, second: {}}
    for run in results:
        value = run.get('metrics', {}).get(key)
        if run['row'] in values and value is not None and not math.isnan(value):
            values[run['row']][run['seed']] = value
    a, b = values[first], values[second]
    return [a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())]


def paired_interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the mean of paired differences and half the width of its 95 % interval.

    Student's t with one degree of freedom less than there are differences; the half width
    of a single difference is infinite.
    """
    count, mean = len(differences), statistics.mean(differences)
    if count == 1:
        return mean, math.inf
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    return mean, quantile * statistics.stdev(differences) / math.sqrt(count)


def _interval(differences: Sequence[float]) -> str:
    if not differences:
        return '-'
    mean, half = paired_interval(differences)
    digits = _digits(differences)
    spread = '' if math.isinf(half) else f' ± {half:.{digits}f}'
    return f'{mean:+.{digits}f}{spread}'


def _digits(numbers: Sequence[float]) -> int:
    return 3 if max(map(abs, numbers)) <= 1 else 2


def _spread(values: Sequence[float | None]) -> str:
    numbers = [v for v in values if v is not None and not math.isnan(v)]
    if not numbers:
        return '-'
    digits = _digits(numbers)
    mean = f'{statistics.mean(numbers):.{digits}f}'
    if len(numbers) == 1:
        return mean
    return f'{mean} ± {statistics.stdev(numbers):.{digits}f}'
