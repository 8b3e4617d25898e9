"""Charts of clusterings: codes in the plane, tables, curves over parameters (000, chapter 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.visualization.curves import mean_and_spread
from mmvisx.visualization.figure import line_style, new_figure, save_figure

__all__ = ['draw_embeddings', 'draw_numbers', 'draw_reliability', 'draw_sweep', 'draw_table']

COLUMNS = 3


def draw_embeddings(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, Sequence[str]]],
    curve: np.ndarray,
    out: str | Path,
) -> Path:
    """Draw points in the plane, up to three panels a row, and a curve after them.

    Args:
        panels: Title, places ``(m, 2)``, groups ``(m,)`` and their names.
        curve: Iterations and accuracies, ``(T, 2)``; none where T is 0.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    number = len(panels) + bool(len(curve))
    rows = math.ceil(number / COLUMNS)
    columns = math.ceil(number / rows)
    figure, _ = new_figure(1, 4.6 * columns, 4.6 * rows)
    figure.clear()
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axis, (title, places, groups, names) in zip(axes, panels, strict=False):
        for group, name in enumerate(names):
            own = places[groups == group]
            axis.scatter(*own.T, s=4, color=_colour(group, len(names)), linewidths=0, label=name)
        axis.set_title(title, fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_xlabel('t-SNE, no unit')
    axes[0].legend(fontsize=7, markerscale=3, ncols=2 if len(panels[0][3]) > 6 else 1)
    if len(curve):
        axis = axes[len(panels)]
        axis.plot(curve[:, 0], 100 * curve[:, 1], marker='o', markersize=3)
        axis.set_title('all points', fontsize=10)
        axis.set_xlabel('iteration')
        axis.set_ylabel('accuracy (%)')
        axis.grid(alpha=0.3)
    for axis in axes[number:]:
        axis.axis('off')
    return save_figure(figure, out)


def draw_table(
    counts: np.ndarray,
    clusters: Sequence[str],
    classes: Sequence[str],
    title: str,
    out: str | Path,
) -> Path:
    """Draw numbers of points as a table, coloured by their shares of a cluster.

    Args:
        counts: ``(k, c)``.
        clusters: k names, for the rows.
        classes: c names.
        title: Above it.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    number, width = counts.shape
    figure, (axis,) = new_figure(1, max(0.62 * width + 2.5, 5.0), max(0.42 * number + 1.5, 3.0))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = axis.imshow(shares, cmap='Blues', vmin=0, vmax=1, aspect='auto')
    for row, column in np.argwhere(counts):
        colour = 'white' if shares[row, column] > 0.6 else 'black'
        text = str(counts[row, column])
        axis.text(column, row, text, ha='center', va='center', fontsize=8, color=colour)
    axis.set_xticks(range(width), classes, rotation=90 if max(map(len, classes)) > 3 else 0)
    axis.set_yticks(range(number), clusters)
    axis.set_xlabel('class')
    axis.set_ylabel('cluster, in the order of the matched classes')
    axis.set_title(title, fontsize=10)
    figure.colorbar(shown, ax=axis, label='share of the cluster')
    return save_figure(figure, out)


def draw_reliability(
    counts: Sequence[int],
    confidence: Sequence[float | None],
    accuracy: Sequence[float | None],
    title: str,
    out: str | Path,
) -> Path:
    """Draw accuracy over confidence, and the points of each bin to the right.

    Args:
        counts: Points of each bin from 0 to 1.
        confidence: Their mean; ``None`` of an empty bin.
        accuracy: Of each bin; ``None`` of an empty one.
        title: Above both.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    figure, (curve, sizes) = new_figure(2, 5.0, 4.5)
    there = [place for place, size in enumerate(counts) if size]
    curve.plot([0, 1], [0, 1], color='0.6', linestyle='--', label='as right as sure')
    curve.plot(
        [confidence[place] for place in there], [accuracy[place] for place in there],
        marker='o', label='clusters',
    )  # fmt: skip
    curve.set_ylabel('accuracy (share of points)')
    curve.set_ylim(0, 1.02)
    curve.legend(fontsize=8)
    edges = np.linspace(0, 1, len(counts) + 1)
    sizes.bar(edges[:-1], counts, width=1 / len(counts), align='edge', edgecolor='white')
    sizes.set_ylabel('points')
    for axis in (curve, sizes):
        axis.set_xlim(0, 1)
        axis.set_xlabel('largest q of a point')
        axis.grid(alpha=0.3)
    figure.suptitle(title, fontsize=10)
    return save_figure(figure, out)


def draw_sweep(
    panels: Mapping[str, Sequence[tuple[str, Sequence[float | None], Sequence[Sequence[float]]]]],
    out: str | Path,
) -> Path:
    """Draw accuracies over the values of a parameter, a panel for each data set.

    Methods have parameters of different kinds, so that the axis counts their values. A method
    without one is a line across.

    Args:
        panels: By data set: name, values (``[None]`` without a parameter), and for each value the
            accuracies of the seeds, as shares.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    figure, axes = new_figure(len(panels), width=5.5)
    names = dict.fromkeys(name for methods in panels.values() for name, _, _ in methods)
    styles = dict(zip(names, map(line_style, count()), strict=False))
    for axis, (data, methods) in zip(axes, panels.items(), strict=True):
        for number, (name, values, accuracies) in enumerate(methods):
            percent = [[100 * value for value in seeds] for seeds in accuracies]
            if values[0] is None:
                axis.axhline(float(np.mean(percent[0])), label=name, **styles[name])
            else:
                label = f'{name} ({values[0]:g} to {values[-1]:g})'
                # Side by side, or the spreads would hide each other.
                x = np.arange(1, len(values) + 1) + 0.06 * (number - (len(methods) - 1) / 2)
                _bars(axis, x, percent, label, styles[name])
        axis.set_title(data)
        axis.set_xlabel('value of the parameter, counted from the smallest')
        axis.set_ylabel('accuracy (%)')
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.margins(y=0.3)  # room for the legend
        axis.legend(fontsize=8, ncols=2, loc='lower center')
    return save_figure(figure, out)


def draw_numbers(
    ks: Sequence[int], curves: Mapping[str, Sequence[Sequence[float]]], out: str | Path
) -> Path:
    """Draw values over the number of clusters, a panel each, with the spread over trainings.

    Args:
        ks: Numbers of clusters, rising.
        curves: By what they are, for each k the values of the trainings.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    figure, axes = new_figure(len(curves), width=5.5)
    for axis, (label, values) in zip(axes, curves.items(), strict=True):
        _bars(axis, ks, values, None, line_style(0))
        axis.set_xlabel('number of clusters k')
        axis.set_ylabel(label)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
    return save_figure(figure, out)


def _bars(
    axis: Any,
    x: Sequence[float] | np.ndarray,
    values: Sequence[Sequence[float]],
    label: str | None,
    style: Mapping[str, str],
) -> None:
    """Draw means and spreads; unlike in a band of all seeds, some may have fewer values."""
    means, spreads = zip(*(mean_and_spread(np.array(seeds)) for seeds in values), strict=True)
    axis.errorbar(x, means, spreads, marker='o', markersize=3, capsize=2, label=label, **style)


def _colour(group: int, number: int) -> Any:
    from matplotlib import colormaps

    if number <= 10:
        return f'C{group}'
    return colormaps['tab20'](group % 20) if number <= 20 else colormaps['hsv'](group / number)
