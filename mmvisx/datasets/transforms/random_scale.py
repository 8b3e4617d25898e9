"""Resize by a random factor of the image's own size."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import Resize

from mmvisx.registry import TRANSFORMS
from mmvisx.utils.errors import UserError

__all__ = ['RandomScale']


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Resize image and label maps to L times their size, L uniform (002, Eq. 6.1).

    MMEngine's ``RandomResize`` draws the factor of a fixed size instead, to which every image is
    fitted.

    Args:
        low: Smallest factor, above 0.
        high: Largest factor.

    Raises:
        UserError: not 0 < ``low`` <= ``high``.

    Source: 002, Eq. 6.1.
    """

    def __init__(self, low: float = 0.5, high: float = 2.0) -> None:
        if not 0 < low <= high:
            raise UserError(f'RandomScale: low={low}, high={high}; need 0 < low <= high')
        self.low, self.high = low, high

    @cache_randomness
    def _draw(self) -> float:
        return float(np.random.uniform(self.low, self.high))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Resize."""
        resized: dict[str, Any] = Resize(scale_factor=self._draw(), keep_ratio=True)(results)
        return resized
