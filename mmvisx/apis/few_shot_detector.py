"""Teach a trained detector new classes from a few boxes, and save it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from mmvisx.analysis.few_shot_boxes import fit_boxes
from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.datasets.detection.coco_json import box_fault, reaches_out
from mmvisx.models.heads.few_shot_boxes import TaughtBoxes
from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.models.layers import ParameterPredictor
from mmvisx.surgery.few_shot_boxes import BOXES_KEY, box_head_of, taught_boxes_entry, teach_boxes
from mmvisx.utils.errors import UserError

from .few_shot_bank import weights_digest
from .few_shot_box_bank import activations_of_boxes, trained_flips
from .few_shot_teachable import Photo, Teachable, source_of
from .inference import Inferencer

__all__ = ['TeachableDetector']

Box = Sequence[float]


class TeachableDetector(Teachable, Inferencer):
    """A detector that predicts, and learns classes while it runs, from a few boxes each.

    One that was taught before goes on from there; another one is given the bank of its training
    boxes (:func:`build_box_bank`), on which the range of new logits is fitted
    (:func:`mmvisx.analysis.fit_boxes`)::

        model = TeachableDetector('faster_rcnn.py', 'faster_rcnn.pth', bank='banks/boxes')
        model.add_boxes('okapi', [('a.jpg', (40, 10, 210, 180)), ('b.jpg', (5, 5, 90, 80))])
        model(['zoo.jpg'])
        model.save('with_okapi.pth')

    Args:
        config: Of a two-stage detector with boxes that no class owns (``reg_class_agnostic``);
            ``None`` takes it out of the checkpoint.
        checkpoint: Its weights, or those of a taught one.
        bank: Bank of the training boxes, with the same weights.
        depth: Layers of the predictor, which is not trained: 1 is ``phi^1``, 2 ``phi^2``.
        few: See :class:`mmvisx.PredictedHead`.
        shots: Boxes a class that the range of logits is fitted for.
        **options: Of :class:`mmvisx.apis.Inferencer`.

    Raises:
        UserError: The detector cannot be taught; neither ``bank`` nor a taught checkpoint is
            given; the bank is of other weights.

    Source: 001, section 2.2.2, on regions in place of images. Not in the document.
    """

    def __init__(
        self,
        config: Photo | Config | None,
        checkpoint: Photo,
        bank: Photo | None = None,
        depth: int = 1,
        few: str = 'mean',
        shots: int = 3,
        **options: Any,
    ) -> None:
        super().__init__(config, checkpoint, fuse=False, **options)
        layer = box_head_of(self.model).fc_cls
        if isinstance(layer, TaughtBoxes):
            return
        if bank is None:
            raise UserError(
                f'{checkpoint} was not taught yet: give the bank of its training boxes '
                '(mmvisx few-shot build-box-bank CONFIG CHECKPOINT --out FOLDER)'
            )
        source = ActivationBank(bank, dict(weights=weights_digest(self.model)))
        mapping = dict(type='mmvisx.ParameterPredictor', channels=source.channels, depth=depth)
        fit = fit_boxes(source, layer.cpu(), ParameterPredictor(source.channels, depth), few, shots)
        teach_boxes(self.model, mapping, few).set_range(*fit)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes, those that were added last."""
        return tuple(self.model.dataset_meta['classes'])

    @property
    def head(self) -> PredictedHead:
        """What holds the added classes."""
        head: PredictedHead = box_head_of(self.model).fc_cls.taught
        return head

    def entry(self) -> tuple[str, dict[str, Any]]:
        """Return the key of the architecture, and what a checkpoint says for it."""
        return BOXES_KEY, taught_boxes_entry(box_head_of(self.model).fc_cls)

    @torch.no_grad()
    def activations(self, boxes: Sequence[tuple[Photo, Box]]) -> Tensor:
        """Return the raw activations of regions of images, ``(n, d)``.

        Each is the mean over the image and its mirrored views, in the directions in which the
        training mirrored images, too: a class has few boxes, and so they tell more.

        Raises:
            UserError: An image cannot be read, or a box does not lie in its image.
        """
        found, flips = [], trained_flips(self.cfg)
        for photo, box in boxes:
            sample = self._read(str(photo), str(photo), drawn=False)
            _check_box(photo, box, sample.data['data_samples'].ori_shape)
            corners = torch.tensor([[float(v) for v in box]])
            found.append(activations_of_boxes(self.model, sample.data, corners, flips))
        return torch.cat(found) if found else torch.zeros(0, self.head.channels)

    def add_boxes(self, name: str, boxes: Sequence[tuple[Photo, Box]]) -> None:
        """Add a class, or boxes to one that was added.

        Args:
            name: Of the class.
            boxes: Image file, and x1, y1, x2, y2 in its pixels.

        Raises:
            UserError: There is no box, an image cannot be read, a box is empty or outside of its
                image, is given twice, or the name is that of a class that was trained; nothing is
                added then.
        """
        sources = [_source(photo, box) for photo, box in boxes]
        self._check(name, sources)
        self._add(name, self.activations(boxes) - box_head_of(self.model).fc_cls.centre, sources)

    def _name_classes(self) -> None:
        super()._name_classes()
        box_head_of(self.model).num_classes = len(self.classes)
        self.visualizer.dataset_meta = dict(self.visualizer.dataset_meta, classes=self.classes)


def _check_box(photo: Photo, box: Box, size: tuple[int, int]) -> None:
    height, width = size
    x1, y1, x2, y2 = box
    edges = [x1, y1, x2 - x1, y2 - y1]
    fault = box_fault(edges, width, height)
    if fault is None and reaches_out(edges, width, height):
        fault = 'box reaches out of the image'
    if fault is not None:
        raise UserError(
            f'{photo}: {fault}: {[round(float(v), 1) for v in box]} of {width} x {height} pixels; '
            'boxes are x1, y1, x2, y2'
        )


def _source(photo: Photo, box: Box) -> dict[str, Any]:
    if len(box) != 4:
        raise UserError(f'{photo}: box {list(box)} is not x1, y1, x2, y2')
    return dict(source_of(photo), box=[float(value) for value in box])
