"""What a classifier says of an image, beside the image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

__all__ = ['draw_scores']

_HEIGHT, _MOST = 224, 800  # sides of the image in the picture, in pixels
_ROW, _MARGIN, _BAR, _SCORE = 24, 8, 80, 44
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5
_BLUE, _GREEN, _RED = (70, 110, 180), (40, 140, 60), (190, 50, 40)


def draw_scores(
    image: np.ndarray, names: Sequence[str], scores: Sequence[float], truth: str | None = None
) -> np.ndarray:
    """Draw an image and, to its right, classes with their scores as numbers and bars.

    An image of less than 224 pixels is enlarged by a whole number, without smoothing, for its
    pixels to be seen, as text on it would not be readable; one of more than 800 is made smaller.

    Args:
        image: RGB ``(H, W, 3)`` uint8.
        names: Of classes, the best first.
        scores: Theirs, in [0, 1].
        truth: The name of the right class; the first line says it, green if the first of
            ``names`` is it and red if not.

    Returns:
        RGB ``(H', W', 3)`` uint8, white where there is neither image nor text.
    """
    side = max(image.shape[:2])
    factor = max(1, -(-_HEIGHT // side))
    image = image.repeat(factor, axis=0).repeat(factor, axis=1)
    if side > _MOST:
        image = cv2.resize(
            image, None, fx=_MOST / side, fy=_MOST / side, interpolation=cv2.INTER_AREA
        )
    header = [] if truth is None else [f'truth: {truth}']
    widest = max(_width(text) for text in (*names, *header))
    width = 4 * _MARGIN + _SCORE + _BAR + widest
    height = max(len(image), 2 * _MARGIN + _ROW * (len(names) + len(header)))
    panel = np.full((height, width, 3), 255, np.uint8)
    top = _MARGIN
    for text in header:
        _write(panel, text, _MARGIN, top, _GREEN if names[0] == truth else _RED)
        top += _ROW
    for name, score in zip(names, scores, strict=True):
        _write(panel, f'{score:.2f}', _MARGIN, top)
        left = _MARGIN + _SCORE
        cv2.rectangle(panel, (left, top + 5), (left + _BAR, top + 18), (225, 225, 225), -1)
        if round(score * _BAR):
            cv2.rectangle(panel, (left, top + 5), (left + round(score * _BAR), top + 18), _BLUE, -1)
        _write(panel, name, left + _BAR + _MARGIN, top)
        top += _ROW
    below = np.full((height - len(image), image.shape[1], 3), 255, np.uint8)
    return np.concatenate([np.concatenate([image, below]), panel], axis=1)


def _width(text: str) -> int:
    return cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0]


def _write(
    picture: np.ndarray, text: str, left: int, top: int, colour: Sequence[int] = (0, 0, 0)
) -> None:
    cv2.putText(picture, text, (left, top + 17), _FONT, _SCALE, colour, 1, cv2.LINE_AA)
