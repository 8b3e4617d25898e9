"""The samples of a data set, as they come out of its pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.utils.random_numbers import seed_everything

__all__ = ['DatasetSamples']


@ANALYSES.register_module()
class DatasetSamples:
    """What a pipeline makes of images and annotations.

    Random numbers depend on the seed and on the sample, not on how many samples are taken.

    Args:
        picture: Function of a sample and its data set's ``metainfo`` that draws it,
            ``(H, W, 3)`` (:attr:`mmvisx.utils.tasks.Task.sample_picture`).
        seed: Of the random numbers of the pipeline.
    """

    def __init__(
        self, picture: Callable[[Any, Mapping[str, Any]], np.ndarray], seed: int = 0
    ) -> None:
        self.picture = picture
        self.seed = seed

    def measure(self, dataset: Any, count: int, start: int = 0) -> Iterator[tuple[str, Any]]:
        """Yield name (``000012_photo.png``) and packed data of samples.

        Args:
            count: Of samples; there may be fewer.
            start: Index of the first one.

        Raises:
            UserError: No sample is left.
        """
        if not 0 <= start < len(dataset):
            raise UserError(
                f'start={start}, but the data set has {len(dataset)} samples, from 0 on'
            )
        for index in range(start, min(start + count, len(dataset))):
            seed_everything(self.seed, index)
            data = dataset[index]
            samples = data.get('data_samples')
            path = samples.metainfo.get('img_path') if samples is not None else None
            yield f'{index:06d}_{Path(path or "image").stem}.png', data

    def draw(self, data: Any, meta: Mapping[str, Any]) -> np.ndarray:
        """Draw a sample of :meth:`measure`, RGB ``(H, W, 3)`` uint8.

        Raises:
            UserError: It is no sample of the task.
        """
        return self.picture(data, meta)
