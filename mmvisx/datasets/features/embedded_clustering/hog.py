"""Orientations of gradients and a map of colours: what STL's photographs are clustered by."""

from __future__ import annotations

import cv2
import numpy as np

from mmvisx.utils.errors import UserError

__all__ = ['CELL', 'hog', 'hog_colour']

# Pixels of a cell's side.
CELL = 8
_ORIENTATIONS = 9
# Values above it count as it: strong edges do not drown the others.
_LIMIT = 0.2
_COLOURS = 8


def hog(image: np.ndarray) -> np.ndarray:
    """Return the orientations of gradients in cells of 8x8 pixels, ``(h - 2, w - 2, 13)``.

    The last 13 of the 31 values of the deformable part model: nine orientations without their sign,
    and four energies of texture, each with the cell normed by one of the four blocks of 2x2 cells
    around it. Cells at the border, which have no such blocks, are left out.

    Args:
        image: ``(H, W, 3)``, h x w cells; pixels beyond the last whole cell do not count.

    Source: 000, section 3.4.1, "HOG feature", in the form of the deformable part model
    (Felzenszwalb et al., Object Detection with Discriminatively Trained Part Based Models, 2010,
    section 6.1).
    """
    energies = _cells(image)
    whole = energies[..., :_ORIENTATIONS] + energies[..., _ORIENTATIONS:]
    power = (whole**2).sum(axis=2)
    blocks = power[:-1, :-1] + power[1:, :-1] + power[:-1, 1:] + power[1:, 1:]
    scales = 1 / np.sqrt(blocks + 1e-4)
    around = np.stack([scales[i : i + len(blocks) - 1] for i in (1, 0)])
    width = blocks.shape[1] - 1
    norms = [part[:, j : j + width, None] for j in (1, 0) for part in around]
    inner = (slice(1, -1), slice(1, -1))
    folded = sum(np.minimum(whole[inner] * norm, _LIMIT) for norm in norms) / 2
    texture = [np.minimum(energies[inner] * norm, _LIMIT).sum(axis=2) for norm in norms]
    # 1 / sqrt(18): of 18 signed orientations
    return np.concatenate([folded, 0.2357 * np.stack(texture, axis=2)], axis=2)


def _cells(image: np.ndarray) -> np.ndarray:
    """Return the gradients' lengths by cell and signed orientation, ``(h, w, 18)``.

    A pixel counts for the four cells around it, by its distance to their centres.
    """
    rows, columns = image.shape[0] // CELL, image.shape[1] // CELL
    if rows < 3 or columns < 3:
        raise UserError(
            f'an image of {image.shape[1]}x{image.shape[0]} pixels has no cell inside: at least '
            f'{3 * CELL}x{3 * CELL}'
        )
    image = image[: rows * CELL, : columns * CELL].astype(np.float64)
    dy = image[2:, 1:-1] - image[:-2, 1:-1]
    dx = image[1:-1, 2:] - image[1:-1, :-2]
    strongest = (dx**2 + dy**2).argmax(axis=2)[..., None]
    dx, dy = (np.take_along_axis(d, strongest, axis=2)[..., 0] for d in (dx, dy))
    angles = np.arange(_ORIENTATIONS) * np.pi / _ORIENTATIONS
    along = dx[..., None] * np.cos(angles) + dy[..., None] * np.sin(angles)
    orientation = np.concatenate([along, -along], axis=2).argmax(axis=2)
    length = np.hypot(dx, dy)
    y = (np.arange(1, rows * CELL - 1)[:, None] + 0.5) / CELL - 0.5
    x = (np.arange(1, columns * CELL - 1) + 0.5) / CELL - 0.5
    # A border of cells outside takes what belongs to none.
    found = np.zeros((rows + 2, columns + 2, 2 * _ORIENTATIONS))
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    for down, share_y in ((0, 1 - (y - top)), (1, y - top)):
        for right, share_x in ((0, 1 - (x - left)), (1, x - left)):
            at = (top + down + 1) * (columns + 2) + left + right + 1
            at = at * 2 * _ORIENTATIONS + orientation
            share = (share_y * share_x * length).ravel()
            found += np.bincount(at.ravel(), share, found.size).reshape(found.shape)
    return found[1:-1, 1:-1]


def hog_colour(image: np.ndarray, scaled: bool = True) -> np.ndarray:
    """Return :func:`hog` and the colours of an 8x8 thumbnail, ``(d,)`` float32.

    An image of 96x96 pixels has 10 x 10 x 13 + 8 x 8 x 2 = 1,428 values.

    Args:
        image: ``(H, W, 3)`` uint8, blue first.
        scaled: ``(HOG - 0.2) * 10`` and ``(CrCb - 128) / 10``, else as they are.

    Source: 000, section 3.4.1, "concatenated HOG feature and a 8-by-8 color map". That the colours
    are Cr and Cb, and the scaling, are of the settings published with it.
    """
    edges: np.ndarray = hog(image).ravel()
    small = cv2.resize(image, (_COLOURS, _COLOURS), interpolation=cv2.INTER_AREA)
    colours: np.ndarray = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)[..., 1:].ravel()
    colours = colours.astype(np.float64)
    if scaled:
        edges, colours = (edges - 0.2) * 10, (colours - 128) / 10
    return np.concatenate([edges, colours]).astype(np.float32)
