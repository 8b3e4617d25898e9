"""Configs for boxes, and for boxes with masks."""

from __future__ import annotations

import math
from typing import Any

from mmvisx.apis.init.statistics import fit_anchors, side_at

from .base import Plan, Request, epochs_for, loaders, schedule, start_entries, start_of
from .text import Code, Entry

__all__ = ['write_detection']

# (masks, full network) -> recipe.
RECIPES = {
    (True, False): 'detectors/htc_rfp_sac_nano_without_semantic',
    (True, True): 'detectors/htc_rfp_sac_without_semantic',
    (False, False): 'detection_freebies/faster_rcnn_resnet18_nano_shapes_voc',
    (False, True): 'detectors/cascade_rcnn_rfp_sac',
}
STRIDES = (4, 8, 16, 32, 64)
# Memory of an image in training, in GiB: estimates, on the safe side.
MEMORY = {(True, False): 0.6, (True, True): 6.0, (False, False): 0.3, (False, True): 5.0}
# A median object should be this many pixels wide and high where the image allows it.
SEEN = 32
NANO_SIDES = (256, 384)


def write_detection(request: Request) -> Plan:
    """Plan a config for boxes or, where every object has one, masks as well."""
    train = request.train
    parts = [train] if request.same else [train, request.val]
    objects = sum(len(part.boxes) for part in parts)
    with_masks = sum(part.with_masks for part in parts)
    masks = with_masks == objects
    kind = (masks, request.full)
    scale = full_scale(request) if request.full else nano_scale(request)
    batch = request.machine.batch_size(MEMORY[kind], 16 if request.full else 4, train.images)
    steps = math.ceil(train.images / batch)
    anchors = fit_anchors(train.boxes * max(scale), STRIDES, 12 if request.full else 6)
    weights, said = start_of(request, 'resnet50')
    # From scratch more is to be learnt, but a nano network on a CPU has to end some time.
    iterations, least = ((2000, 12) if weights else (6000, 36)) if request.full else (400, 12)
    epochs = epochs_for(train.images, batch, iterations, least)
    shape = dict(scales=[anchors.scale], ratios=list(anchors.ratios), strides=list(STRIDES))
    median = side_at(train.boxes, 0.5) * max(scale)
    smallest = side_at(train.boxes, 0.1) * max(scale)
    entries = [
        Entry(
            'image_scale',
            scale,
            "Long and short edge of the network's images in pixels: at this size half of the "
            f'objects are {median:.0f} pixels wide and high or more, a tenth {smallest:.0f} or '
            'less.',
        ),
        Entry('train_pipeline', _pipeline(masks, 'train')),
        Entry('test_pipeline', _pipeline(masks, 'test', request.data.name)),
        *loaders(request, batch, dict(filter_cfg=dict(filter_empty_gt=True))),
        *_evaluation(request, masks),
        *start_entries(request, weights),
        Entry(
            'model',
            _model(kind, shape, weights is not None),
            f'Anchors from the {len(train.boxes)} boxes: with the best of them a box shares '
            f'{anchors.overlap:.2f} of the area on the average (IoU). {said.capitalize()}.',
        ),
        *schedule(
            epochs,
            steps,
            _optimizer(request, batch),
            f'{epochs} epochs of {steps} steps ({train.images} images).',
        ),
    ]
    summary = {
        'task': 'instance segmentation (every object has a mask)' if masks else 'boxes',
        'network': f'{RECIPES[kind]}, {scale[0]}x{scale[1]} pixels, anchors of {anchors.scale:g} '
        f'strides, heights/widths {", ".join(f"{r:g}" for r in anchors.ratios)}',
        'weights': said,
        'training': f'{epochs} epochs of {steps} steps of {batch} images',
    }
    if with_masks and not masks:
        summary['task'] += f' ({with_masks} of {objects} objects have a mask)'
    base = Entry('_base_', f'mmvisx::{RECIPES[kind]}.py')
    return Plan([base, *entries], summary, f'epoch_{epochs}.pth')


def nano_scale(request: Request) -> tuple[int, int]:
    """Return a square that a CPU can train on: as small as the objects allow."""
    longest = max(request.train.typical)
    wanted = SEEN / side_at(request.train.boxes, 0.5)
    side = min(max(wanted, NANO_SIDES[0]), NANO_SIDES[1], max(longest, 64))
    return (32 * round(side / 32),) * 2


def full_scale(request: Request) -> tuple[int, int]:
    """Return 1333x800, of small images twice their size."""
    width, height = request.train.typical
    factor = min(2.0, 1333 / max(width, height), 800 / min(width, height))
    return round(factor * max(width, height)), round(factor * min(width, height))


def _pipeline(masks: bool, part: str, kind: str = '') -> list[dict[str, Any]]:
    image = dict(type='mmvisx.LoadImageFromFile')
    objects = dict(type='mmvisx.LoadAnnotations', with_bbox=True)
    if masks:
        objects['with_mask'] = True
    if part == 'test':
        keys: tuple[str, ...] = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
        if kind not in ('voc', 'coco'):  # what the metric compares with
            keys += ('instances',)
        resize = dict(type='Resize', scale=Code('image_scale'), keep_ratio=True)
        return [image, resize, objects, dict(type='PackDetInputs', meta_keys=keys)]
    resize = dict(
        type='RandomResize', scale=Code('image_scale'), ratio_range=(0.8, 1.2), keep_ratio=True
    )
    flip = dict(type='RandomFlip', prob=0.5)
    return [image, objects, resize, flip, dict(type='PackDetInputs')]


def _evaluation(request: Request, masks: bool) -> list[Entry]:
    if request.data.name == 'voc':
        evaluator: dict[str, Any] = dict(type='mmvisx.VOCMetric')
        what = "VOC's mean average precision by both of its rules."
    else:
        evaluator = dict(type='mmvisx.CocoMetric', metric=['bbox', 'segm'] if masks else 'bbox')
        file = request.data.parts['val'].labels
        if request.data.name == 'coco' and file is not None:
            evaluator['ann_file'] = str(file)
        what = "COCO's average precision of boxes" + (' and masks.' if masks else '.')
    return [
        Entry('val_evaluator', dict(_delete_=True, **evaluator), what),
        Entry('test_evaluator', Code('val_evaluator')),
    ]


def _model(kind: tuple[bool, bool], anchors: dict[str, Any], has_weights: bool) -> dict[str, Any]:
    """Return what differs from the recipe's model."""
    masks, full = kind
    heads: dict[str, Any] = {}
    for head in ('bbox_head', 'mask_head') if masks else ('bbox_head',):
        heads[head] = Code(
            f'[dict(head, num_classes=num_classes) for head in _base_.model.roi_head.{head}]'
        )
    model: dict[str, Any] = dict(rpn_head=dict(anchor_generator=anchors), roi_head=heads)
    if kind == (False, False):
        # The recipe is for rendered shapes of 96 pixels: photographs need two levels more.
        model['neck'] = dict(num_outs=len(STRIDES))
        heads['bbox_head'] = dict(num_classes=Code('num_classes'))
        heads['bbox_roi_extractor'] = dict(featmap_strides=list(STRIDES[:4]))
    if full:
        start: dict[str, Any] = dict(init_cfg=None, frozen_stages=-1, norm_eval=False)
        if has_weights:
            start = dict(init_cfg=dict(checkpoint=Code('weights')))
        model['backbone'] = start
        model['neck'] = dict(rfp_backbone=start)
    return model


def _optimizer(request: Request, batch: int) -> dict[str, Any]:
    if request.full:  # SGD, 0.02 for 16 images
        return dict(optimizer=dict(lr=0.02 * batch / 16))
    return dict(optimizer=dict(lr=1e-3 * batch / 4), clip_grad=dict(max_norm=35, norm_type=2))
