"""Maps of switches beside their image, in grey (001, Figure 6-8)."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

__all__ = ['draw_row', 'shade']

_LABEL = 26  # height of the line above a panel, in pixels
_GAP = 6


def shade(share: np.ndarray, size: tuple[int, int], stretch: bool = True) -> np.ndarray:
    """Turn a map in [0, 1] into a grey picture, ``(h, w)`` to ``(height, width, 3)`` uint8.

    Darker means more of the larger atrous rate, as in Figure 6-8. With ``stretch`` the map's
    own lowest and highest values become white and black, so that small differences show and
    maps cannot be compared; without it they are 0 and 1.

    Args:
        size: Width and height.
    """
    low, high = (float(share.min()), float(share.max())) if stretch else (0.0, 1.0)
    # Differences of rounding are none.
    level = (share - low) / (high - low) if high - low > 1e-6 else np.zeros_like(share)
    grey = np.rint(255 * (1 - level)).astype(np.uint8)
    return cv2.cvtColor(cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB)


def draw_row(
    image: np.ndarray,
    maps: Mapping[str, np.ndarray],
    detections: np.ndarray,
    stretch: bool = True,
    height: int = 240,
) -> np.ndarray:
    """Draw the image, the switches of every stage and the detections in one row.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        maps: By stage, ``(h, w)`` in [0, 1].
        detections: The picture of what was detected, ``(H, W, 3)`` uint8 RGB.
        stretch: As in :func:`shade`; the numbers above a map are its lowest and highest value.
        height: Of the pictures, in pixels.

    Returns:
        ``(height + label, W', 3)`` uint8 RGB.
    """
    size = (max(1, round(image.shape[1] * height / image.shape[0])), height)
    panels = [('image', cv2.resize(image, size, interpolation=cv2.INTER_AREA))]
    for stage, share in maps.items():
        label = f'{stage}: {share.min():.2f} to {share.max():.2f}'
        panels.append((label, shade(share, size, stretch)))
    panels.append(('detections', cv2.resize(detections, size, interpolation=cv2.INTER_AREA)))
    return np.concatenate([_with_label(*panel) for panel in panels], axis=1)


def _with_label(text: str, picture: np.ndarray) -> np.ndarray:
    canvas = np.full((picture.shape[0] + _LABEL, picture.shape[1] + _GAP, 3), 255, np.uint8)
    canvas[_LABEL:, :-_GAP] = picture
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (width, _), _ = cv2.getTextSize(text, font, scale, 1)
    scale *= min(1.0, (picture.shape[1] - 4) / width)
    cv2.putText(canvas, text, (2, _LABEL - 9), font, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
