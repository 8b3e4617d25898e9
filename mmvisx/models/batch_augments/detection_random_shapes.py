"""Random sizes of training images, the same for many iterations (000, 5.4)."""

from __future__ import annotations

import random

import torch
from mmdet.models import BatchSyncRandomResize
from mmdet.structures import DetDataSample
from mmengine.logging import MessageHub
from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['RandomTrainingShapes']


@MODELS.register_module()
class RandomTrainingShapes(BatchSyncRandomResize):
    """Resize each batch, and its boxes, to a size that is drawn anew every few iterations.

    mmdet's layer keeps its size to itself, so that a resumed training goes on with another
    one, and starts with some iterations at the size that is loaded. Here the size follows
    from the run's seed and the iteration: the same after a resume and in all processes,
    without any exchange. To be given as one of ``data_preprocessor.batch_augments``::

        dict(type='mmvisx.RandomTrainingShapes', random_size_range=(320, 608), interval=10)

    Outside of a training there is no iteration, and batches stay as they are. Masks and
    semantic maps are not resized.

    Args:
        random_size_range: Least and greatest height, both included; the width follows with
            the aspect ratio of the batch.
        interval: Iterations until the next size, at least 1.
        size_divisor: Sizes are its multiples.

    Raises:
        UserError: The range is empty or holds no multiple of ``size_divisor``, or
            ``interval`` is below 1.

    Source: 000, 5.4 ("random resolutions from 320x320 to 608x608 with 32x32 increments";
    every ten batches in the authors' code).

    Differs from the document: The loaded image is resized, not the file's.
    """

    def __init__(
        self, random_size_range: tuple[int, int], interval: int = 10, size_divisor: int = 32
    ) -> None:
        low, high = random_size_range
        if interval < 1:
            raise UserError(f'interval={interval} should be at least 1')
        if size_divisor < 1 or not 0 < -(-low // size_divisor) <= high // size_divisor:
            raise UserError(
                f'random_size_range={(low, high)} holds no positive multiple of '
                f'size_divisor={size_divisor}'
            )
        super().__init__((low, high), interval, size_divisor)
        # The base class rounds the bounds, beyond the range if need be.
        self._random_size_range = (-(-low // size_divisor), high // size_divisor)

    def forward(
        self, inputs: Tensor, data_samples: list[DetDataSample]
    ) -> tuple[Tensor, list[DetDataSample]]:
        """Resize ``(N, C, H, W)`` and the boxes."""
        if MessageHub.get_current_instance().get_info('iter') is None:
            return inputs, data_samples
        height, width = inputs.shape[-2:]
        self._input_size = self._get_random_size(width / height, inputs.device)
        return super().forward(inputs, data_samples)

    def _get_random_size(self, aspect_ratio: float, device: torch.device) -> tuple[int, int]:
        """Return this iteration's size; the base class asks for the next one after its work."""
        hub = MessageHub.get_current_instance()
        block = hub.get_info('iter') // self._interval
        draw = random.Random(f'{hub.get_info("seed")} {block}').randint(*self._random_size_range)
        return self._size_divisor * draw, self._size_divisor * int(aspect_ratio * draw)
