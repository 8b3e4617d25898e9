"""Segment images: one map an image, or one for each task of a multi-task model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from mmvisx.registry import INFERENCERS
from mmvisx.visualization.segmentation_tasks import Task, draw_tasks, labels_of, tasks_of

from .base import ImageInferencer
from .options import Option
from .results import SegmentationMaps

__all__ = ['SegmentationInferencer']


@INFERENCERS.register_module()
class SegmentationInferencer(ImageInferencer[SegmentationMaps]):
    """A segmentor: the classes' colours over the image (``opacity``), for each task side by side.

    Class names and colours are those of the checkpoint (MMEngine saves them in training), else
    of the config's test data. The only task of an ordinary segmentor is called ``''``.

    Attributes:
        tasks: With their classes and colours.
    """

    scope = 'mmseg'
    options: ClassVar[dict[str, Option]] = dict(opacity=Option(0.5, 0, 1))
    short_names = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tasks: list[Task] = tasks_of(self.model.dataset_meta)

    def describe(self, sample: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Return ``labels``: ``{task: (H, W) uint8}`` at the image's size."""
        return dict(labels={task.name: labels_of(sample, task) for task in self.tasks})

    def draw(
        self,
        image: np.ndarray,
        sample: Any,
        prediction: dict[str, Any],
        options: dict[str, Any],
    ) -> np.ndarray:
        """Return the image ``(H, W, 3)`` under the colours, and a legend, of each task."""
        return draw_tasks(image, prediction['labels'], self.tasks, options['opacity'])

    def write(self, prediction: dict[str, Any], folder: Path, name: str) -> None:
        """Write the labels as ``{name}.png``, or ``{name}_{task}.png`` of several tasks."""
        for task, labels in prediction['labels'].items():
            ending = f'_{task}.png' if task else '.png'
            Image.fromarray(labels).save(folder / f'{name}{ending}')
