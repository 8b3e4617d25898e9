"""Figures that are written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmvisx.utils.errors import UserError

__all__ = ['line_style', 'new_figure', 'save_figure']

_COLOURS, _DASHES = 10, ('-', '--', '-.', ':')  # ten of matplotlib's can be told apart


def new_figure(panels: int, width: float = 7.0, height: float = 4.5) -> tuple[Any, list[Any]]:
    """Return a figure and its panels side by side, which are ``width`` x ``height`` inches."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, panels, figsize=(width * panels, height), squeeze=False)
    return figure, list(axes[0])


def line_style(index: int) -> dict[str, str]:
    """Return colour and dashes of a curve; forty differ, where matplotlib repeats after ten."""
    dashes = _DASHES[index // _COLOURS % len(_DASHES)]
    return dict(color=f'C{index % _COLOURS}', linestyle=dashes)


def save_figure(figure: Any, out: str | Path) -> Path:
    """Write and close a figure; the suffix of ``out`` gives the format.

    Raises:
        UserError: an unknown suffix.
    """
    import matplotlib.pyplot as plt

    target = Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    try:
        figure.savefig(target, dpi=120)
    except ValueError as error:
        raise UserError(f'--out {target}: {error}') from error
    finally:
        plt.close(figure)
    return target
