"""Detect objects in images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmdet.apis import DetInferencer
from mmengine.config import Config
from mmengine.visualization import Visualizer

from mmvisx.apis.build import classes_of
from mmvisx.registry import INFERENCERS, VISUALIZERS
from mmvisx.surgery import fuse_after_first_step
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.config.explain import explain_config_errors
from mmvisx.utils.config.in_checkpoint import config_in
from mmvisx.utils.errors import UserError

from .base import ImageInferencer
from .inputs import IMG_EXTENSIONS
from .options import Option
from .results import Detections

__all__ = ['Inferencer']


@INFERENCERS.register_module()
class Inferencer(ImageInferencer[Detections]):
    """A detector: boxes, masks, labels and scores; ``pred_score_thr`` is the lowest to be drawn.

    Args:
        model: Config file or config; ``None`` takes the config out of the checkpoint.
        weights: Checkpoint file; needed, its default only follows from the order.
        device: ``'cpu'``, ``'cuda:0'``, ...; ``None`` takes a GPU if there is one.
        palette: Colours by the name of a data set; by default those of the config.
        show_progress: Show a bar with the time left.
        allow_partial: Accept a checkpoint that lacks weights of the model.
        fuse: Fold what inference does not need apart, as the first batch shows it
            (:func:`~mmvisx.surgery.fuse_for_inference`): faster, equal up to rounding. Off
            if you want to read or train the model's own layers.

    Raises:
        UserError: Config or checkpoint is missing, broken, or they do not fit together.
    """

    scope = 'mmdet'
    options: ClassVar[dict[str, Option]] = dict(pred_score_thr=Option(0.3, 0, 1))
    pads = True
    array_ending = '.jpg'

    def __init__(
        self,
        model: str | Path | Config | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        palette: str = 'none',
        show_progress: bool = True,
        allow_partial: bool = False,
        fuse: bool = True,
    ) -> None:
        if weights is None:
            raise UserError(
                'Inferencer: weights=None would leave the model as random as it is built; give a '
                'checkpoint, and its config (model) unless the checkpoint holds it'
            )
        if model is None:
            model = config_in(read_checkpoint(weights), weights)
        super().__init__(model, weights, device, allow_partial, show_progress)
        meta = self.model.dataset_meta
        if not meta.get('classes'):
            raise UserError(
                f'neither checkpoint {weights} nor the config says the names of the classes; '
                'set test_dataloader.dataset.metainfo=dict(classes=(...))'
            )
        named = None if palette == 'none' else palette
        meta['palette'] = (
            named or classes_of(self.cfg).get('palette') or meta.get('palette') or 'random'
        )
        self.visualizer = _visualizer(self.cfg)
        self.visualizer.dataset_meta = meta
        if fuse:
            fuse_after_first_step(self.model, self.model, self._use)

    def _use(self, model: Any) -> None:
        self.model = model

    def describe(self, sample: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Return the detections.

        Returns:
            ``height``, ``width``, ``labels``, ``label_names``, ``scores``, ``bboxes`` (x1, y1,
            x2, y2 in pixels) and, from models with masks, ``masks`` (COCO RLE).
        """
        found = DetInferencer.pred2dict(self, sample)  # what it needs of an inferencer is here
        names = self.model.dataset_meta['classes']
        height, width = sample.ori_shape
        return {
            'height': int(height),
            'width': int(width),
            'label_names': [names[label] for label in found['labels']],
            **found,
        }

    def draw(
        self,
        image: np.ndarray,
        sample: Any,
        prediction: dict[str, Any],
        options: dict[str, Any],
    ) -> np.ndarray:
        """Return the image ``(H, W, 3)`` with the detections of a score above the threshold."""
        self.visualizer.add_datasample(
            'image', image, sample, draw_gt=False, pred_score_thr=options['pred_score_thr']
        )
        return self.visualizer.get_image()

    def shown(self, prediction: dict[str, Any], options: dict[str, Any]) -> list[str]:
        """Return the class of each object drawn."""
        found = zip(prediction['label_names'], prediction['scores'], strict=True)
        return [name for name, score in found if score >= options['pred_score_thr']]

    def summary(self, found: Counter[str]) -> str:
        """Say how many objects there are."""
        return f'{found.total()} objects drawn'

    def picture_name(self, name: str) -> str:
        """Return the image's own name, where a picture in colours can have its ending."""
        ending = Path(name).suffix.lower()
        return name if ending in IMG_EXTENSIONS and ending != '.pgm' else f'{name}.png'


def _visualizer(cfg: Config) -> Visualizer:
    """Return the config's visualizer, but for its backends: what is drawn is written here."""
    kwargs = dict(cfg.get('visualizer') or dict(type='mmdet.DetLocalVisualizer'))
    kwargs.pop('vis_backends', None)
    with VISUALIZERS.switch_scope_and_registry('mmdet') as registry, explain_config_errors(cfg):
        # Not registry.build: it would give one of this name that is there already.
        kind = registry.get(kwargs.pop('type'))
        return kind(**{**kwargs, 'name': 'inferencer'})
