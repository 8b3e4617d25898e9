"""How good each number of clusters is (000, Figure 3.6, without labels)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmvisx.visualization.curves import draw_seeds
from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['draw_counts']


def draw_counts(
    counts: Sequence[int],
    generalizability: np.ndarray,
    agreements: np.ndarray,
    scores: np.ndarray,
    chosen: int,
    out: str | Path,
) -> Path:
    """Draw G, the agreement of the seeds and their product over the number of clusters.

    Args:
        counts: Values of k, ascending, c of them.
        generalizability: G by seed and k, ``(s, c)``.
        agreements: Adjusted Rand index, ``(c,)``.
        scores: The product, ``(c,)``.
        chosen: The k that was chosen.
        out: The picture; its suffix gives the format.
    """
    figure, (axis,) = new_figure(1)
    x = np.asarray(counts)
    held = generalizability.clip(0, 1)
    draw_seeds(axis, x, held, 'generalizability G, from 0 to 1', color='C0')
    axis.plot(x, agreements, 's-', color='C1', label='agreement of the seeds (ARI)')
    axis.plot(x, scores, '^--', color='C2', label='G x agreement')
    axis.axvline(chosen, color='0.5', linestyle=':', label=f'chosen: k = {chosen}')
    axis.set_xlabel('number of clusters k')
    axis.set_ylabel('score, 1 is best')
    axis.set_xticks(x)
    axis.set_ylim(0, 1.05)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return save_figure(figure, out)
