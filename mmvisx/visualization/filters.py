"""Pictures of filters."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['draw_filters']

_WIDTH = 600  # of a picture of few filters, or its height, in pixels
_GAP = 2  # pixels of white between two filters


def draw_filters(
    weight: Tensor, columns: int = 8, scale: int | None = None, bgr: bool = False
) -> np.ndarray:
    """Draw filters ``(N, C, h, w)`` as a grid, ``(H, W, 3)`` uint8 RGB.

    Filters of three channels are drawn in colour, ``columns`` in a row. Of others each row is a
    filter and each column one of its channels, in grey. Zero is mid-grey; the weight of largest
    absolute value of each filter is black or white.

    Args:
        scale: Pixels of a weight, by default 8, or more for a picture of 600 pixels.
        bgr: Whether the first of three channels is blue.

    Raises:
        UserError: ``columns`` or ``scale`` is below 1.
    """
    if columns < 1 or (scale is not None and scale < 1):
        raise UserError(f'columns={columns} and scale={scale} should be at least 1')
    values = weight.float().cpu().numpy()
    peak = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
    values = values / np.where(peak > 0, peak, 1)
    channels, height, width = values.shape[1:]
    if channels == 3:
        tiles = values.transpose(0, 2, 3, 1)
        tiles = tiles[..., ::-1] if bgr else tiles
    else:
        tiles = np.repeat(values.reshape(-1, height, width, 1), 3, axis=3)
        columns = channels
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    if scale is None:
        scale = max(8, -(-_WIDTH // max(columns * width, rows * height)))
    tiles = np.rint(127.5 * (tiles + 1)).astype(np.uint8)
    tiles = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    down, right = height * scale + _GAP, width * scale + _GAP
    canvas = np.full((rows * down + _GAP, columns * right + _GAP, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        y, x = (index // columns) * down + _GAP, (index % columns) * right + _GAP
        canvas[y : y + height * scale, x : x + width * scale] = tile
    return canvas
