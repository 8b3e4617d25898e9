"""Accuracy of methods over the values of a parameter of theirs (000, Figure 3.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.embedded_clustering.charts import draw_sweep

__all__ = ['ParameterSweep', 'SweptMethod', 'split_row']

_NUMBERED = re.compile(r'(.*[^\s=])[\s=]+([-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?)', re.IGNORECASE)


class SweptMethod(NamedTuple):
    """A method with several values of its parameter.

    Attributes:
        data: What it clusters.
        method: Its name.
        values: Of the parameter, rising; ``[None]`` of a method that has none.
        accuracies: For each value those of the seeds, as shares.
    """

    data: str
    method: str
    values: list[float | None]
    accuracies: list[list[float]]


def split_row(row: str) -> tuple[str, float | None]:
    """Return a method and the value of its parameter out of the name of a row.

    The value is the number at the end, after a space or ``=``; ``None`` without one::

        'DEC 40' -> ('DEC', 40.0), 'LDMGI, lambda=1e-08' -> ('LDMGI, lambda', 1e-08)
    """
    found = _NUMBERED.fullmatch(row)
    return (found[1], float(found[2])) if found else (row, None)


@ANALYSES.register_module()
class ParameterSweep:
    """Compare methods over the values that were tried of a parameter of each.

    Args:
        metric: Key of the accuracy in the results; by default the one that ends in ``acc``.

    Source: 000, Figure 3.3.
    """

    def __init__(self, metric: str | None = None) -> None:
        self.metric = metric

    def measure(self, series: Sequence[str | Path]) -> list[SweptMethod]:
        """Return the methods of all series.

        Args:
            series: Work dirs of ``tools/run_series.py``, whose rows are called by a method and the
                value, or JSON files with ``runs`` as there, or with ``method`` and ``value`` of
                each. In front of any may stand the name of the data set and ``=``; those of one
                name belong together.

        Raises:
            UserError: A file is missing or of another kind, or no run has an accuracy.
        """
        return [method for source in series for method in self._methods(str(source))]

    def _methods(self, source: str) -> list[SweptMethod]:
        name, _, rest = source.rpartition('=')
        path = Path(rest)
        name = name or path.stem.replace('_', ' ')
        file = path / 'results.json' if path.is_dir() else path
        found: dict[str, dict[float | None, list[float]]] = {}
        for run in _runs(file):
            accuracy = self._accuracy(run.get('metrics') or {})
            if accuracy is not None:
                method, value = _varied(run)
                found.setdefault(method, {}).setdefault(value, []).append(accuracy)
        if not found:
            wanted = repr(self.metric) if self.metric else 'a metric that ends in "acc"'
            raise UserError(f'no run of {file} has {wanted}: without labels there is no accuracy')
        return [
            SweptMethod(name, method, keys, [by_value[key] for key in keys])
            for method, by_value in found.items()
            for keys in [sorted(by_value, key=lambda v: (v is None, v))]
        ]

    def _accuracy(self, metrics: dict[str, float | None]) -> float | None:
        if self.metric is not None:
            return metrics.get(self.metric)
        return next((v for k, v in metrics.items() if k.lower().endswith('acc')), None)

    def draw(self, methods: Sequence[SweptMethod], out: str | Path) -> Path:
        """Draw a panel for each data set; the suffix of ``out`` gives the format.

        Raises:
            UserError: The suffix is unknown.
        """
        panels: dict[str, list[tuple[str, list[float | None], list[list[float]]]]] = {}
        for data, method, values, accuracies in methods:
            panels.setdefault(data, []).append((method, values, accuracies))
        return draw_sweep(panels, out)


def _varied(run: Mapping[str, Any]) -> tuple[str, float | None]:
    return (run['method'], run['value']) if 'method' in run else split_row(run['row'])


def _runs(file: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(file.read_text('utf-8'))['runs'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f'{file} cannot be read as results of a series ({error}): give the work dir of '
            'tools/run_series.py'
        ) from error
