"""Normalisation of images, of pairs of frames and of clips."""

from __future__ import annotations

from typing import Any

from mmengine.model import ImgDataPreprocessor
from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['FramePreprocessor']


@MODELS.register_module()
class FramePreprocessor(ImgDataPreprocessor):
    """MMEngine's preprocessor for inputs of T frames ``(T, 3, H, W)``, or of images ``(3, H, W)``.

    Arguments as there. All items of a batch have the same number of frames of the same size: maps
    of targets are not padded.

    Raises:
        UserError: items of different sizes.

    Source: 001, 7.3.1.2: pairs of frames.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalise and stack; ``inputs`` become ``(N, T, 3, H, W)`` or ``(N, 3, H, W)``."""
        inputs: list[Tensor] = list(data['inputs'])
        shapes = [tuple(item.shape) for item in inputs]
        if len(set(shapes)) > 1:
            raise UserError(
                f'a batch has inputs of the shapes {sorted(set(shapes))}: give its images one size '
                'by a crop in the pipeline, or batch_size=1'
            )
        first = shapes[0]
        frames = [frame for item in inputs for frame in item.reshape(-1, *first[-3:])]
        result: dict[str, Any] = super().forward(dict(data, inputs=frames), training)
        stacked = result['inputs']
        if stacked.shape[-2:] != first[-2:]:
            raise UserError(
                f'pad_size_divisor={self.pad_size_divisor} of FramePreprocessor pads {first[-2:]} '
                f'to {tuple(stacked.shape[-2:])}, and the targets not: leave it out'
            )
        result['inputs'] = stacked.reshape(len(inputs), *first)
        return result
