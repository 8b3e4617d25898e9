"""How well classes are detected that were taught from a few boxes, and what others lose by it."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

from mmvisx.analysis.few_shot_boxes import fit_boxes
from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.datasets.detection.coco_json import OrderedCOCO
from mmvisx.models.heads.few_shot_boxes import TaughtBoxes
from mmvisx.models.layers import ParameterPredictor
from mmvisx.surgery.few_shot_boxes import box_head_of
from mmvisx.utils.errors import UserError

from .build import build_dataset
from .few_shot_detector import Box, Photo, TeachableDetector

__all__ = ['NearestMeanBoxes', 'RandomRow', 'compare_boxes', 'detection_ap']


class NearestMeanBoxes(nn.Module):
    """Classify regions by the nearest mean of classes, new classes and background.

    Scores are the posterior of normal distributions of one variance about the means.

    Args:
        means: Background last, ``(K, d)``.
        variance: Mean squared distance of regions to their mean, over d.
    """

    def __init__(self, means: Tensor, variance: float) -> None:
        super().__init__()
        self.means, self.variance = means, variance

    def forward(self, activations: Tensor) -> Tensor:
        """Return logits ``(N, K)`` of activations ``(N, d)``."""
        return -torch.cdist(activations, self.means).square() / (2 * self.variance)


class RandomRow(nn.Module):
    """New classes with weights as an untrained last layer has them (mmdet: deviation 0.01).

    Args:
        learnt: L large classes and the background, which keep their logits.
        count: F, new classes.
        seed: Of the weights.
    """

    def __init__(self, learnt: nn.Linear, count: int, seed: int) -> None:
        super().__init__()
        self.learnt = learnt
        random = torch.Generator().manual_seed(seed)
        self.weight = 0.01 * torch.randn(learnt.in_features, count, generator=random)

    def forward(self, activations: Tensor) -> Tensor:
        """Return logits ``(N, L + F + 1)`` of activations ``(N, d)``."""
        learnt = self.learnt(activations)
        return torch.cat([learnt[:, :-1], activations @ self.weight, learnt[:, -1:]], dim=1)


def _nearest_mean(bank: ActivationBank, samples: Mapping[str, Tensor]) -> NearestMeanBoxes:
    means = torch.from_numpy(bank.means).float()
    regions = torch.from_numpy(bank.read(np.arange(len(bank))))
    variance = float((regions - means[torch.from_numpy(bank.labels)]).square().mean())
    new = [given.mean(dim=0, keepdim=True) for given in samples.values()]
    return NearestMeanBoxes(torch.cat([means[:-1], *new, means[-1:]]), variance)


def _fitted(
    bank: ActivationBank, learnt: nn.Linear, depth: int, few: str, shots: int
) -> TaughtBoxes:
    kind = dict(type='mmvisx.ParameterPredictor', channels=bank.channels, depth=depth)
    layer = TaughtBoxes(learnt, kind, few)
    predictor = ParameterPredictor(bank.channels, depth)
    layer.set_range(*fit_boxes(bank, learnt, predictor, few, shots))
    return layer


def _taught(layer: TaughtBoxes, samples: Mapping[str, Tensor]) -> TaughtBoxes:
    layer = copy.deepcopy(layer)
    for name, given in samples.items():
        layer.taught.add_category(name, given - layer.centre)
    return layer


@torch.no_grad()
def detection_ap(
    model: Any, cfg: Config, layers: Sequence[nn.Module], classes: Sequence[str]
) -> list[dict[str, float]]:
    """Return AP50 in percent of each class on the test data of a config, for several last layers.

    Args:
        model: A detector in evaluation mode, with one box head; its last layer is exchanged.
        cfg: Whose ``test_dataloader`` is used, a ``mmvisx.CocoDataset``.
        layers: Take the place of the box head's last layer in turn; features and proposals of an
            image are the same for all.
        classes: Names, in the order of the outputs.
    """
    cfg = copy.deepcopy(cfg)
    cfg.test_dataloader.dataset.metainfo = dict(classes=tuple(classes))
    dataset = build_dataset(cfg, 'test')
    head = model.roi_head.bbox_head
    layer, count = head.fc_cls, head.num_classes
    found: list[list[dict[str, Any]]] = [[] for _ in layers]
    try:
        head.num_classes = len(classes)
        for index in range(len(dataset)):
            batch = model.data_preprocessor(pseudo_collate([dataset[index]]), training=False)
            features = model.extract_feat(batch['inputs'])
            samples = batch['data_samples']
            proposals = model.rpn_head.predict(features, samples, rescale=False)
            for rows, head.fc_cls in zip(found, layers, strict=True):
                result = model.roi_head.predict(features, proposals, samples, rescale=True)[0]
                rows += _as_json(result.cpu(), samples[0].img_id, dataset.cat_ids)
    finally:
        head.fc_cls, head.num_classes = layer, count
    return [_ap50(dataset, rows, classes) for rows in found]


def _as_json(result: Any, image: int, ids: Sequence[int]) -> list[dict[str, Any]]:
    found = zip(result.bboxes.tolist(), result.scores.tolist(), result.labels.tolist(), strict=True)
    return [
        dict(
            image_id=image,
            bbox=[x1, y1, x2 - x1, y2 - y1],
            score=score,
            category_id=ids[label],
        )
        for (x1, y1, x2, y2), score, label in found
    ]


def _ap50(dataset: Any, found: list[dict[str, Any]], classes: Sequence[str]) -> dict[str, float]:
    if not found:
        return dict.fromkeys(classes, 0.0)
    truth = OrderedCOCO(json.loads(Path(dataset.ann_file).read_text(encoding='utf-8')))
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that it works
        evaluation = COCOeval(truth, truth.loadRes(found), 'bbox')
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.params.catIds = sorted(dataset.cat_ids)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval['precision'][0, :, :, 0, -1].mean(axis=0)
    by_id = dict(zip(evaluation.params.catIds, 100 * precision, strict=True))
    return {name: float(by_id[i]) for name, i in zip(classes, dataset.cat_ids, strict=True)}


def compare_boxes(
    model: TeachableDetector,
    bank: ActivationBank,
    boxes: Mapping[str, Sequence[tuple[Photo, Box]]],
    shots: int = 3,
    few: str = 'mean',
    draws: int = 1,
    seed: int = 0,
) -> dict[str, list[dict[str, float]]]:
    """Return AP50 of every class, for every row and draw.

    Args:
        model: Without added classes.
        bank: Of its training boxes.
        boxes: Of each new class, from which ``shots`` are drawn, by its name in the test data. All
            new classes are taught at once.
        shots: Boxes of a class that a row is given.
        few: See :class:`mmvisx.PredictedHead`.
        draws: Of the boxes.
        seed: Of the draws.

    Returns:
        By the name of the row, a dict of AP50 in percent for each draw; ``'before'`` has one, of
        the detector without the new classes.

    Runs on the CPU.

    Raises:
        UserError: A class has fewer boxes than ``shots``.
    """
    for name, given in boxes.items():
        if len(given) < shots:
            raise UserError(f'{len(given)} boxes of {name!r}: fewer than the {shots} to be drawn')
    rng = np.random.default_rng(seed)
    learnt = box_head_of(model.model).fc_cls.learnt.cpu()
    fitted = {f'predicted, phi-{d}': _fitted(bank, learnt, d, few, shots) for d in (1, 2)}
    rows: dict[str, list[nn.Module]] = {}
    for draw in range(draws):
        samples = {}
        for name, given in boxes.items():
            chosen = rng.permutation(len(given))[:shots]
            samples[name] = model.activations([given[i] for i in chosen]).cpu()
        made = {
            'random new weights': RandomRow(learnt, len(boxes), draw),
            'nearest mean': _nearest_mean(bank, samples),
            **{row: _taught(layer, samples) for row, layer in fitted.items()},
        }
        for row, layer in made.items():
            rows.setdefault(row, []).append(layer)
    found = dict(before=detection_ap(model.model, model.cfg, [learnt], model.classes))
    layers = [layer for row in rows.values() for layer in row]
    aps = iter(detection_ap(model.model, model.cfg, layers, [*model.classes, *boxes]))
    return {**found, **{row: [next(aps) for _ in row_layers] for row, row_layers in rows.items()}}
