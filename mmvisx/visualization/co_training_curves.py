"""Curves of co-trained views over epochs (001, Figures 3-1, 3-2 and 3-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .curves import draw_seeds
from .figure import line_style, new_figure, save_figure

__all__ = ['Panel', 'plot_view_curves']


class Panel(NamedTuple):
    """One value over the epochs of several trainings.

    Attributes:
        title: Of the panel.
        label: What the value is, with its unit.
        curves: By the training's name, epochs ``(T,)`` and values ``(seeds, T)``.
    """

    title: str
    label: str
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]]


def plot_view_curves(panels: Sequence[Panel], out: str | Path) -> Path:
    """Draw panels side by side, each curve with the spread over its seeds.

    Args:
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: the suffix is unknown.
    """
    # A training has one colour in all panels.
    names = dict.fromkeys(name for panel in panels for name in panel.curves)
    styles = dict(zip(names, map(line_style, count()), strict=False))
    figure, axes = new_figure(len(panels), width=5.5)
    for axis, panel in zip(axes, panels, strict=True):
        for name, (epochs, values) in panel.curves.items():
            draw_seeds(axis, epochs, values, name.replace('_', ' '), **styles[name])
        axis.set_title(panel.title)
        axis.set_xlabel('epoch')
        axis.set_ylabel(panel.label)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    return save_figure(figure, out)
