"""Configs for a class of each image."""

from __future__ import annotations

import math
from typing import Any

from .base import Plan, Request, epochs_for, loaders, schedule, start_entries, start_of
from .text import Code, Entry

__all__ = ['write_classification']

RECIPES = {
    'tiny': 'bag_of_tricks/resnet18_d_nano_cifar10',
    'nano': 'bag_of_tricks/resnet18_d_nano_own_folders',
    'full': 'bag_of_tricks/resnet50_d_efficient_imagenet',
}
# Memory of an image in training, in GiB: estimates, on the safe side.
MEMORY = {'tiny': 0.02, 'nano': 0.02, 'full': 0.12}
TINY = 48
SIDES = {'nano': 96, 'full': 224}


def write_classification(request: Request) -> Plan:
    """Plan a config for class folders."""
    shorter = min(request.train.typical)
    kind = 'tiny' if shorter <= TINY else ('full' if request.full else 'nano')
    side = 8 * math.ceil(shorter / 8) if kind == 'tiny' else SIDES[kind]
    images = request.train.images
    batch = request.machine.batch_size(MEMORY[kind], 128 if request.full else 32, images)
    steps = math.ceil(images / batch)
    weights, said = start_of(request, 'resnet50')
    # torchvision's ResNet-50 is variant b; tiny images have no pretrained network of any size.
    if kind == 'tiny' and request.weights is None:
        weights, said = None, 'from scratch: there are no pretrained weights for images this small'
    iterations = 400 if kind != 'full' else (1500 if weights else 5000)
    epochs = epochs_for(images, batch, iterations, 20)
    classes = len(request.data.classes)
    topk = (1, 5) if classes > 5 else (1,)
    counts = dict(num_classes=Code('len(classes)'))
    model: dict[str, Any] = dict(
        data_preprocessor=Code('data_preprocessor'), head=dict(**counts, topk=topk)
    )
    if kind == 'full' and weights is not None:
        model['backbone'] = dict(
            variant='b', init_cfg=dict(_delete_=True, type='Pretrained', checkpoint=Code('weights'))
        )
    rate = (0.01 if kind == 'full' and weights else 0.1) * batch / (256 if kind == 'full' else 64)
    evaluator = dict(type='Accuracy', topk=topk)
    entries = [
        Entry('_base_', f'mmvisx::{RECIPES[kind]}.py'),
        Entry('train_pipeline', _pipeline(kind, side, 'train'), f'Images of {side}x{side} pixels.'),
        Entry('test_pipeline', _pipeline(kind, side, 'test')),
        *loaders(request, batch, dict()),
        Entry('val_evaluator', evaluator, 'Share of the images that are right, in percent.'),
        Entry('test_evaluator', Code('val_evaluator')),
        *start_entries(request, weights),
        Entry('data_preprocessor', counts),
        Entry('model', model, f'{classes} classes; {said}.'),
        *schedule(
            epochs,
            steps,
            dict(optimizer=dict(lr=rate)),
            f'{epochs} epochs of {steps} steps ({images} images).',
        ),
    ]
    summary = {
        'task': 'a class for each image',
        'network': f'{RECIPES[kind]}, {side}x{side} pixels',
        'weights': said,
        'training': f'{epochs} epochs of {steps} steps of {batch} images',
    }
    return Plan(entries, summary, f'epoch_{epochs}.pth')


def _pipeline(kind: str, side: int, part: str) -> list[dict[str, Any]]:
    image, pack = dict(type='mmvisx.LoadImageFromFile'), dict(type='PackInputs')
    flip = dict(type='RandomFlip', prob=0.5, direction='horizontal')
    if kind == 'tiny':
        resize = dict(type='Resize', scale=(side, side))
        if part == 'test':
            return [image, resize, pack]
        return [image, resize, dict(type='RandomCrop', crop_size=side, padding=4), flip, pack]
    if part == 'test':
        shrink = dict(type='ResizeEdge', scale=round(side * 8 / 7), edge='short')
        return [image, shrink, dict(type='CenterCrop', crop_size=side), pack]
    crop = dict(type='RandomResizedCrop', scale=side, crop_ratio_range=(0.25, 1.0))
    return [image, crop, flip, pack]
