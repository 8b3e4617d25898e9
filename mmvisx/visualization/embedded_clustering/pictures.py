"""Points of clusters as pictures: typical ones, and those along a gradient (000, Fig. 3.2, 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['Thumbnail', 'draw_gradients', 'draw_typical']

# RGB (H, W, 3) or grey (H, W), uint8; or what to write where there is no picture.
Thumbnail: TypeAlias = np.ndarray | str


def draw_typical(
    names: Sequence[str], rows: Sequence[Sequence[Thumbnail]], out: str | Path
) -> Path:
    """Draw a row of thumbnails for each cluster.

    Args:
        names: To the left of the rows.
        rows: Of each cluster its thumbnails; a cluster may have fewer than others, or none.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    columns = max(map(len, rows))
    figure, _ = new_figure(1, 0.75 * columns + 1.5, 0.75 * len(rows) + 0.2)
    figure.clear()
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for name, cells, line in zip(names, rows, axes, strict=True):
        line[0].text(
            -0.3, 0.5, name, ha='right', va='center', fontsize=9, transform=line[0].transAxes
        )
        for axis in line:
            axis.axis('off')
        for axis, cell in zip(line, cells, strict=False):
            _show(axis, cell)
    return save_figure(figure, out)


def draw_gradients(
    title: str,
    q: np.ndarray,
    lengths: np.ndarray,
    marked: Sequence[int],
    cells: Sequence[Thumbnail],
    classes: Sequence[str],
    out: str | Path,
) -> Path:
    """Draw lengths of gradients over q, and thumbnails of the points that are marked.

    Args:
        title: What the points are of.
        q: ``(m,)``, 0 to 1.
        lengths: ``(m,)``.
        marked: Places of some points, the least sure first.
        cells: Thumbnail of each of them.
        classes: Of each of them; may be empty.
        out: The picture to write; the suffix gives the format.

    Raises:
        UserError: The suffix is unknown.
    """
    figure, _ = new_figure(1, 9.0, 6.0)
    figure.clear()
    grid = figure.add_gridspec(2, len(marked), height_ratios=(1, 4))
    for number, (place, cell) in enumerate(zip(marked, cells, strict=True), start=1):
        axis = figure.add_subplot(grid[0, number - 1])
        _show(axis, cell)
        axis.axis('off')
        said = f'\nclass {classes[number - 1]}' if classes else ''
        axis.set_title(f'{100 * number // len(marked)} %\nq {q[place]:.3f}{said}', fontsize=8)
    axis = figure.add_subplot(grid[1, :])
    axis.scatter(q, lengths, s=4, alpha=0.3, linewidths=0, rasterized=True, label='points')
    axis.scatter(
        q[list(marked)], lengths[list(marked)], s=30, color='C3', label='the ten shown above'
    )
    axis.set_xlabel(f'soft assignment q of the points of {title} to it')
    axis.set_ylabel('length of dL/dz of a point')
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return save_figure(figure, out)


def _show(axis: Any, cell: Thumbnail) -> None:
    if isinstance(cell, str):
        axis.text(0.5, 0.5, cell, ha='center', va='center', fontsize=7, wrap=True)
    else:
        axis.imshow(cell, cmap='gray', vmin=0, vmax=255, interpolation='nearest')
