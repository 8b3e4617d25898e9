"""Scaling of hue, saturation and brightness (000, 2.2.1, step 4)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmvisx.registry import TRANSFORMS
from mmvisx.utils import UserError

__all__ = ['HSVJitter', 'scale_hsv']

Range = tuple[float, float]


def scale_hsv(image: np.ndarray, hue: float, saturation: float, brightness: float) -> np.ndarray:
    """Multiply the hue (an angle from red), the saturation and the value of an image.

    Args:
        image: ``(H, W, 3)``, BGR, from 0 to 255, ``float32``.
        hue: Factor of the angle, which goes round at 360 degrees.
        saturation: Factor of ``1 - min / max``, which stays at most 1.
        brightness: Factor of the largest channel, which stays at most 255.
    """
    # As separate planes: numpy is several times slower on every third number.
    planes = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2HSV))
    for plane, factor in zip(planes, (hue, saturation, brightness), strict=True):
        np.multiply(plane, factor, out=plane)
    for plane, limit in zip(planes[1:], (1, 255), strict=True):
        np.minimum(plane, limit, out=plane)
    # OpenCV takes an angle above 360 as what is left of it.
    return cv2.cvtColor(cv2.merge(planes), cv2.COLOR_HSV2BGR)


@TRANSFORMS.register_module()
class HSVJitter(BaseTransform):
    """Multiply hue, saturation and brightness by a random number each.

    Needs and changes ``img``, which becomes ``float32``.

    Args:
        hue: Smallest and largest factor of the hue; ``(1, 1)`` leaves it.
        saturation: Of the saturation.
        brightness: Of the brightness.

    Raises:
        UserError: A range is not two numbers from 0 on in ascending order, or an image does
            not have three channels.

    Source: 000, 2.2.1, step 4. mmpretrain's ``ColorJitter`` is another transform: it adds
    to the hue, mixes with grey and rounds to whole numbers.
    """

    def __init__(
        self,
        hue: Range = (0.6, 1.4),
        saturation: Range = (0.6, 1.4),
        brightness: Range = (0.6, 1.4),
    ) -> None:
        self.ranges = dict(hue=hue, saturation=saturation, brightness=brightness)
        for name, limits in self.ranges.items():
            if len(limits) != 2 or not 0 <= limits[0] <= limits[1]:
                raise UserError(f'{name}={limits} is not (smallest, largest) factor, from 0 on')

    def draw_factors(self) -> dict[str, float]:
        """Draw the three factors."""
        return {name: np.random.uniform(*limits) for name, limits in self.ranges.items()}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img`` ``(H, W, 3)``, BGR, from 0 to 255."""
        image = results['img']
        if image.ndim != 3 or image.shape[2] != 3:
            raise UserError(
                f'HSVJitter needs images of 3 channels, {results.get("img_path", "an image")} has '
                f'the shape {image.shape}; load it with color_type="color"'
            )
        results['img'] = scale_hsv(image.astype(np.float32, copy=False), **self.draw_factors())
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}({", ".join(f"{k}={v}" for k, v in self.ranges.items())})'
