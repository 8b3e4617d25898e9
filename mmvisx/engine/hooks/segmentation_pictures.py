"""Pictures of what a segmentor predicts in a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.structures import SegDataSample
from PIL import Image

from mmvisx.datasets.transforms.loading import decode_image
from mmvisx.registry import HOOKS
from mmvisx.visualization.segmentation_tasks import draw_tasks, labels_of, tasks_of

__all__ = ['SegmentationPicturesHook']


@HOOKS.register_module()
class SegmentationPicturesHook(Hook):
    """Write a picture of every test image: colours over the image and a legend, of each task.

    mmseg's own hook draws the labels of one task and has no folder to write to.

    Args:
        out_dir: Folder; gets ``{name of the image}.png``.
        opacity: Of the colours, 0 to 1.
    """

    def __init__(self, out_dir: str | Path, opacity: float = 0.5) -> None:
        self.out_dir = Path(out_dir)
        self.opacity = opacity

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        """Draw the images of a batch."""
        tasks = tasks_of(runner.test_dataloader.dataset.metainfo)
        self.out_dir.mkdir(parents=True, exist_ok=True)
        for sample in outputs or ():
            image = decode_image(sample.img_path, 'it was there before', 'color', 'cv2', None)
            labels = {task.name: labels_of(sample, task) for task in tasks}
            picture = draw_tasks(image[..., ::-1], labels, tasks, self.opacity)
            name = f'{Path(sample.img_path).stem}.png'
            Image.fromarray(picture).save(self.out_dir / name)
