"""Noise along the principal directions of ImageNet's colours (000, 2.2.1, step 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmvisx.registry import TRANSFORMS
from mmvisx.utils import UserError

__all__ = ['PCANoise']

# Of the covariance of ImageNet's pixels from 0 to 255; a column is a direction, the rows are
# blue, green and red.
EIGENVALUES = (55.4625, 4.7940, 1.1475)
EIGENVECTORS = (
    (-0.5836, -0.6948, 0.4203),
    (-0.5808, -0.0045, -0.8140),
    (-0.5675, 0.7192, 0.4009),
)


@TRANSFORMS.register_module()
class PCANoise(BaseTransform):
    """Add one random colour to all pixels: ``sum_k a_k l_k p_k`` with ``a_k ~ N(0, std)``.

    Needs and changes ``img``, which becomes ``float32`` and may leave the range 0 to 255.

    Args:
        std: Standard deviation of the coefficients, 0 or more.
        eigenvalues: Of the colours' covariance, three numbers.
        eigenvectors: Three rows (blue, green, red), a column for each eigenvalue.

    Raises:
        UserError: ``std`` is negative, the numbers are not 3 and 3x3, or an image does not
            have three channels.

    Source: 000, 2.2.1, step 5, N(0, 0.1). The same numbers come from mmpretrain's
    ``Lighting``, which takes several times as long and lets whole-number images wrap around
    at 0 and 255.
    """

    def __init__(
        self,
        std: float = 0.1,
        eigenvalues: Sequence[float] = EIGENVALUES,
        eigenvectors: Sequence[Sequence[float]] = EIGENVECTORS,
    ) -> None:
        self.std = std
        self.directions = np.array(eigenvectors, np.float64) * np.array(eigenvalues, np.float64)
        if not std >= 0:
            raise UserError(f'std={std} is negative')
        if self.directions.shape != (3, 3):
            raise UserError(
                'eigenvalues and eigenvectors have to be 3 numbers and 3 rows of 3, got '
                f'{len(eigenvalues)} and {[len(row) for row in eigenvectors]}'
            )

    def draw_colour(self) -> np.ndarray:
        """Draw the colour ``(3,)`` that is added: blue, green, red."""
        return self.directions @ np.random.normal(0, self.std, 3)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img`` ``(H, W, 3)``, BGR, from 0 to 255."""
        image = results['img']
        if image.ndim != 3 or image.shape[2] != 3:
            raise UserError(
                f'PCANoise needs images of 3 channels, {results.get("img_path", "an image")} has '
                f'the shape {image.shape}; load it with color_type="color"'
            )
        # [I | colour]: numpy takes 20 times as long to add three numbers to each pixel.
        matrix = np.column_stack([np.eye(3), self.draw_colour()]).astype(np.float32)
        results['img'] = cv2.transform(image.astype(np.float32, copy=False), matrix)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(std={self.std})'
