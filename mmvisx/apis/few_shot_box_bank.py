"""What a detector makes of regions before the last layer of its box head, and a bank of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures.bbox import bbox2roi, bbox_overlaps
from mmdet.structures.bbox.transforms import bbox_flip
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmvisx.datasets.classification.few_shot_bank import RECORD, ActivationBank, write_bank
from mmvisx.surgery.few_shot_boxes import box_head_of
from mmvisx.utils.config.options import walk
from mmvisx.utils.errors import UserError

from .build import build_model, build_tested, name_of
from .few_shot_bank import weights_digest

__all__ = ['BACKGROUND', 'activations_of_boxes', 'build_box_bank', 'trained_flips']

BACKGROUND = 'background'
# Regions of background for each box: what the samplers of mmdet's recipes draw (pos_fraction 0.25),
# and so what the learnt bias of the background stands for.
_PER_BOX = 3
# Axes of an image (3, H, W) that mmdet's RandomFlip turns round.
_AXES = dict(horizontal=(2,), vertical=(1,), diagonal=(1, 2))


def trained_flips(cfg: Config) -> tuple[str, ...]:
    """Return the directions in which the training data of a config are mirrored by chance."""
    found: list[str] = []
    for _, step in walk(cfg.get('train_dataloader')):
        if isinstance(step, dict) and 'type' in step and name_of(step) == 'RandomFlip':
            given = step.get('direction', 'horizontal')
            if np.max(step.get('prob') or 0) > 0:
                found += [given] if isinstance(given, str) else given
    return tuple(dict.fromkeys(found))


@torch.no_grad()
def activations_of_boxes(
    model: Any, data: dict[str, Any], boxes: Tensor, flips: Sequence[str] = ()
) -> Tensor:
    """Return what the last layer of a detector's box head gets for boxes of an image, ``(n, d)``.

    Args:
        model: A detector in evaluation mode.
        data: The image as the test pipeline makes it.
        boxes: x1, y1, x2, y2 in pixels of the image file, ``(n, 4)``.
        flips: ``'horizontal'``, ``'vertical'`` or ``'diagonal'`` (both). The mean over the image
            and each of its mirrored views is returned.
    """
    features, samples = _features(model, data)
    scaled = _scaled(boxes, samples[0])
    found = [_regions(model, features, scaled)]
    for flip in flips:
        view = dict(data, inputs=data['inputs'].flip(_AXES[flip]))
        mirrored = bbox_flip(scaled, data['inputs'].shape[1:], flip)
        found.append(_regions(model, _features(model, view)[0], mirrored))
    return torch.stack(found).mean(dim=0)


def _features(model: Any, data: dict[str, Any]) -> tuple[Any, list[Any]]:
    batch = model.data_preprocessor(pseudo_collate([data]), training=False)
    return model.extract_feat(batch['inputs']), batch['data_samples']


def _scaled(boxes: Tensor, sample: Any) -> Tensor:
    return boxes * boxes.new_tensor(sample.get('scale_factor', (1.0, 1.0))).repeat(2)


def _regions(model: Any, features: Any, boxes: Tensor) -> Tensor:
    caught = []
    layer = model.roi_head.bbox_head.fc_cls
    hook = layer.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
    try:
        model.roi_head._bbox_forward(features, bbox2roi([boxes.to(features[0])]))
    finally:
        hook.remove()
    return caught[0].float()


@torch.no_grad()
def build_box_bank(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    device: str = 'cpu',
    dtype: str = 'float32',
    report: Callable[[int, int], None] = lambda done, total: None,
) -> ActivationBank:
    """Write the activations of a detector's training boxes, and of background, into a folder.

    Images go through the test pipeline. Background, the last class, are proposals of the network
    that overlap no box by half, three a box where there are as many.

    Args:
        cfg: Of the detector.
        checkpoint: Its weights.
        out: The folder, which is made.
        device: That the network runs on.
        dtype: Of the stored activations: ``'float16'`` or ``'float32'``.
        report: Told how many images of how many are done.

    Raises:
        UserError: The detector cannot be taught, its training data have no boxes or lie in a
            wrapper, or the folder holds a bank already.
    """
    if (Path(out) / RECORD).is_file():
        raise UserError(f'{out} holds a bank already: name another folder')
    model = build_model(cfg, checkpoint, device)
    box_head_of(model)
    dataset = _training_boxes(cfg)
    found: list[np.ndarray] = []
    labels: list[int] = []
    names: list[str] = []
    classes = [*dataset.metainfo['classes'], BACKGROUND]
    random = torch.Generator().manual_seed(0)
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        items = [item for item in info['instances'] if not item.get('ignore_flag')]
        features, samples = _features(model, dataset[index])
        boxes = torch.tensor([item['bbox'] for item in info['instances']]).reshape(-1, 4)
        kept = torch.tensor([item['bbox'] for item in items]).reshape(-1, 4)
        kept, boxes = _scaled(kept, samples[0]), _scaled(boxes, samples[0])
        away = _background(model, features, samples, boxes, _PER_BOX * len(kept), random)
        both = torch.cat([kept, away])
        if len(both):
            found.append(_regions(model, features, both).cpu().numpy().astype(dtype))
        labels += [item['bbox_label'] for item in items] + [len(classes) - 1] * len(away)
        names += [f'{Path(info["img_path"]).name} {_rounded(box)}' for box in both]
        report(index + 1, len(dataset))
    if not found:
        raise UserError('the training data of the config have no box: a bank of nothing is no use')
    fingerprint = dict(weights=weights_digest(model))
    return write_bank(out, np.concatenate(found), np.array(labels), classes, names, fingerprint)


def _rounded(box: Tensor) -> str:
    return ' '.join(f'{value:.1f}' for value in box.tolist())


def _background(
    model: Any,
    features: Any,
    samples: Sequence[Any],
    boxes: Tensor,
    count: int,
    random: torch.Generator,
) -> Tensor:
    """Draw proposals ``(m, 4)`` that overlap none of the boxes ``(n, 4)`` by half."""
    proposals = model.rpn_head.predict(features, samples, rescale=False)[0].bboxes.cpu()
    if len(boxes):
        proposals = proposals[bbox_overlaps(proposals, boxes).amax(dim=1) < 0.5]
    return proposals[torch.randperm(len(proposals), generator=random)[:count]]


def _training_boxes(cfg: Config) -> Any:
    dataset = build_tested(cfg, 'train')
    if not hasattr(dataset, 'get_data_info') or not dataset.metainfo.get('classes'):
        raise UserError(
            f'{type(dataset).__name__} of train_dataloader is no plain data set of images with '
            'boxes: name it without a wrapper'
        )
    return dataset
