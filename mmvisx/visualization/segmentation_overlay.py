"""Label maps over their image, with a legend of the classes that are there."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mmvisx.utils.errors import UserError

__all__ = ['draw_legend', 'overlay', 'side_by_side']

_ROW = 22
_MARGIN = 6
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SCALE = 0.45


def overlay(
    image: np.ndarray,
    labels: np.ndarray,
    palette: Sequence[Sequence[int]],
    opacity: float = 0.5,
) -> np.ndarray:
    """Paint each pixel with its class's colour.

    Args:
        image: RGB ``(H, W, 3)`` uint8.
        labels: ``(H, W)``; pixels whose label has no colour (255 for example) stay as they are.
        palette: RGB of each class, 0 to 255.
        opacity: Of the colours, 0 (the image) to 1 (the colours).

    Raises:
        UserError: Image and labels differ in size, or ``opacity`` is not in [0, 1].
    """
    if image.shape[:2] != labels.shape:
        raise UserError(
            f'labels {labels.shape} do not have the size of the image, {image.shape[:2]}'
        )
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity={opacity} should be in [0, 1]')
    colours = np.asarray(palette, np.float32)
    known = (labels >= 0) & (labels < len(colours))
    picture = image.astype(np.float32)
    picture[known] = (1 - opacity) * picture[known] + opacity * colours[labels[known]]
    return np.rint(picture).astype(np.uint8)


def draw_legend(
    labels: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    title: str = '',
    height: int = 0,
) -> np.ndarray:
    """List the classes that occur, the most frequent first, with their share of the pixels.

    Args:
        labels: ``(H, W)``; other labels than those of ``classes`` are not listed.
        classes: Names.
        palette: RGB of each class.
        title: First line, if not empty.
        height: Least height of the picture in pixels; it grows if the list is longer.

    Returns:
        RGB ``(max(height, rows), width of the longest line, 3)`` uint8 on white.
    """
    counts = np.bincount(labels[labels < len(classes)].ravel(), minlength=len(classes))
    order = [c for c in np.argsort(-counts, kind='stable') if counts[c]]
    rows = [(f'{classes[c]} {100 * counts[c] / labels.size:.1f} %', c) for c in order]
    texts = [title] * bool(title) + [text for text, _ in rows]
    widest = max((cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0] for text in texts), default=0)
    tall = max(height, _ROW * len(texts) + 2 * _MARGIN)
    picture = np.full((tall, widest + _ROW + 3 * _MARGIN, 3), 255, np.uint8)
    top = _MARGIN
    if title:
        _write(picture, title, _MARGIN, top)
        top += _ROW
    for text, label in rows:
        colour = tuple(int(v) for v in palette[label])
        corner = (_MARGIN, top + 3), (_MARGIN + _ROW - 6, top + _ROW - 3)
        cv2.rectangle(picture, *corner, colour, -1)
        cv2.rectangle(picture, *corner, (0, 0, 0), 1)
        _write(picture, text, _ROW + _MARGIN, top)
        top += _ROW
    return picture


def side_by_side(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Put RGB pictures ``(H, W, 3)`` next to each other, white below the shorter ones."""
    height = max(len(picture) for picture in pictures)
    padded = [
        np.pad(p, ((0, height - len(p)), (0, 0), (0, 0)), constant_values=255) for p in pictures
    ]
    return np.concatenate(padded, axis=1)


def _write(picture: np.ndarray, text: str, left: int, top: int) -> None:
    cv2.putText(picture, text, (left, top + 15), _FONT, _SCALE, (0, 0, 0), 1, cv2.LINE_AA)
