"""Chart of the AP of each class before and after (000, Figures 5.7 and 5.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmvisx.utils.errors import UserError

from .figure import new_figure, save_figure

__all__ = ['plot_ap_gain']


def plot_ap_gain(
    table: Sequence[Mapping[str, Any]],
    path: str | Path,
    names: tuple[str, str] = ('before', 'after'),
    order: str = 'before',
) -> Path:
    """Draw a line per class from its AP before to its AP after: red a gain, blue a drop.

    Args:
        table: See :func:`~mmvisx.analysis.detection_ap_gain.gain_table`.
        path: The picture to write; the suffix gives the format.
        names: Of the two results.
        order: Of the classes: ``'before'`` or ``'gain'`` (the largest first), or ``'given'``.

    Raises:
        UserError: ``order`` or the suffix is unknown.
    """
    if order not in ('before', 'gain', 'given'):
        raise UserError(f'order {order!r} should be before, gain or given')
    rows = list(table) if order == 'given' else sorted(table, key=lambda row: -row[order])
    places = range(len(rows))
    colours = ['tab:red' if row['gain'] >= 0 else 'tab:blue' for row in rows]
    before, after = ([100 * row[key] for row in rows] for key in ('before', 'after'))
    figure, (axis,) = new_figure(1, width=max(6, 0.2 * len(rows) + 2))
    axis.vlines(places, before, after, colors=colours, linewidth=3)
    axis.scatter(places, before, marker='_', color='black', label=names[0], zorder=3)
    axis.scatter(places, after, marker='.', c=colours, label=names[1], zorder=3)
    axis.set_xticks(list(places), [row['class'] for row in rows], rotation=90, fontsize=7)
    axis.set(ylabel='AP (%)', xlim=(-1, len(rows)))
    axis.grid(axis='y', alpha=0.3)
    axis.legend(fontsize=8)
    return save_figure(figure, path)
