"""Draw how many neurons of each layer are alive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .figure import new_figure

__all__ = ['draw_live_channels']


def draw_live_channels(live: Mapping[str, tuple[int, int]], title: str) -> np.ndarray:
    """Draw a bar for each layer: its neurons, and in front of them those that live.

    Args:
        live: Living and all neurons of each layer.
        title: Above the picture.

    Returns:
        RGB picture ``(H, W, 3)``, uint8.
    """
    import matplotlib.pyplot as plt

    figure, (axis,) = new_figure(1, width=max(6.0, 0.28 * len(live)), height=4.5)
    positions = np.arange(len(live))
    axis.bar(positions, [total for _, total in live.values()], color='0.85', label='all')
    axis.bar(positions, [count for count, _ in live.values()], color='tab:green', label='alive')
    axis.set_xticks(positions, list(live), rotation=90, fontsize=6)
    axis.set_ylabel('neurons')
    axis.set_title(title)
    axis.legend()
    figure.tight_layout()
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return picture
