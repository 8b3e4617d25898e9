"""What a segmentor tells apart, and its predictions for one task or several in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmseg.structures import SegDataSample

from mmvisx.utils.errors import UserError

from .segmentation_overlay import draw_legend, overlay, side_by_side

__all__ = ['Task', 'draw_tasks', 'labels_of', 'tasks_of']


@dataclass(frozen=True)
class Task:
    """What a segmentor tells apart.

    Attributes:
        name: Empty for a segmentor of one task.
        classes: Names.
        palette: RGB of each class, 0 to 255.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, ...], ...]

    @property
    def field(self) -> str:
        """Name of the prediction in a data sample."""
        return f'pred_sem_seg_{self.name}' if self.name else 'pred_sem_seg'


def tasks_of(meta: Mapping[str, Any]) -> list[Task]:
    """Return the tasks of a data set's ``metainfo``: its ``tasks``, or the one of its ``classes``.

    Raises:
        UserError: It has no names of classes.
    """
    if meta.get('tasks'):
        return [_task(name, entry) for name, entry in meta['tasks'].items()]
    return [_task('', meta)]


def labels_of(sample: SegDataSample, task: Task) -> np.ndarray:
    """Return what is predicted for a task, ``(H, W)`` uint8.

    Raises:
        UserError: The sample has no prediction for the task.
    """
    if task.field not in sample:
        raise UserError(
            f'the model predicts {", ".join(sample.keys())} and no {task.field}: checkpoint and '
            'config are of different tasks'
        )
    return sample.get(task.field).data[0].cpu().numpy().astype(np.uint8)


def draw_tasks(
    image: np.ndarray,
    labels: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    opacity: float = 0.5,
) -> np.ndarray:
    """Draw each task's colours over the image and its legend, the tasks side by side.

    Args:
        image: RGB ``(H, W, 3)`` uint8.
        labels: ``(H, W)`` by the name of the task.
        tasks: From left to right.
        opacity: Of the colours, 0 to 1.

    Returns:
        RGB ``(H', W', 3)`` uint8.
    """
    parts = []
    for task in tasks:
        found = labels[task.name]
        parts.append(overlay(image, found, task.palette, opacity))
        parts.append(draw_legend(found, task.classes, task.palette, task.name, height=len(image)))
    return side_by_side(parts)


def _task(name: str, meta: Mapping[str, Any]) -> Task:
    classes = tuple(meta.get('classes') or ())
    if not classes:
        raise UserError(
            'neither checkpoint nor config says the names of the classes; set '
            'test_dataloader.dataset.metainfo=dict(classes=(...))'
        )
    palette = [tuple(int(v) for v in colour) for colour in meta.get('palette') or ()]
    # Colours of any other classes are drawn, the same ones every time.
    random = np.random.default_rng(len(classes))
    palette += [tuple(c) for c in random.integers(0, 256, (len(classes), 3)).tolist()]
    return Task(name, classes, tuple(palette[: len(classes)]))
