"""Curves over the iterations of trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from .figure import line_style, new_figure, save_figure

__all__ = ['Curve', 'draw_seeds', 'mean_and_spread', 'plot_curves']

Curve = tuple[list[float], list[float]]  # iterations, values


def plot_curves(
    runs: Sequence[tuple[str, Mapping[str, Curve]]], keys: Sequence[str], out: str | Path
) -> Path:
    """Draw the curves of one or more trainings, losses left and metrics (with a ``/``) right.

    Args:
        runs: Name and curves of each training.
        keys: Names of the values, at least one; a training may lack some.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: an unknown suffix.
    """
    panels = ([k for k in keys if '/' not in k], [k for k in keys if '/' in k])
    groups = [keys_of_panel for keys_of_panel in panels if keys_of_panel]
    figure, axes = new_figure(len(groups))
    for axis, group in zip(axes, groups, strict=True):
        styles = map(line_style, count())
        for name, curves in runs:
            for key in group:
                if key in curves:
                    marker = 'o' if len(curves[key][0]) < 20 else None
                    text = key if len(runs) == 1 else f'{name}: {key}'
                    axis.plot(*curves[key], label=text, marker=marker, markersize=3, **next(styles))
        axis.set_xlabel('iteration')
        axis.set_ylabel('metric' if '/' in group[0] else 'value')
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    return save_figure(figure, out)


def mean_and_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sample standard deviation over seeds, ``(seeds, T)`` to ``(T,)`` each.

    The spread of one seed is zero.
    """
    one = len(values) == 1
    return values.mean(axis=0), values.std(axis=0, ddof=0 if one else 1)


def draw_seeds(axis: Any, x: np.ndarray, values: np.ndarray, label: str, **style: Any) -> None:
    """Draw the mean of several seeds as a line and their spread as a band around it.

    Args:
        axis: A panel of :func:`~mmvisx.visualization.figure.new_figure`.
        x: ``(T,)``.
        values: ``(seeds, T)``.
        label: In the legend.
        **style: Of the line.
    """
    mean, spread = mean_and_spread(values)
    (line,) = axis.plot(x, mean, marker='o', markersize=3, label=label, **style)
    axis.fill_between(x, mean - spread, mean + spread, color=line.get_color(), alpha=0.15)
