"""Configs for a class of each pixel."""

from __future__ import annotations

import math
from typing import Any

from .base import Plan, Request, epochs_for, loaders, start_entries, start_of
from .base import schedule as epochs_schedule
from .text import Code, Entry

__all__ = ['write_segmentation']

RECIPES = {
    False: 'stacked_unet/sunet_nano_own_masks',
    True: 'fcn_skip/fcn_r18_pretrained_100e_voc2012_sbd_half',
}
# Memory of an image in training, in GiB: estimates, on the safe side.
MEMORY = {False: 0.3, True: 1.0}
LONGEST = {False: 320, True: 1024}


def write_segmentation(request: Request) -> Plan:
    """Plan a config for label maps."""
    full, images = request.full, request.train.images
    width, height = request.train.typical
    side = min(LONGEST[full], max(width, height))
    # Six tenths of the image are cut out, in steps that the network's strides divide.
    crop = min(512, max(64, 32 * round(0.6 * side / 32)))
    batch = request.machine.batch_size(MEMORY[full] * (crop / 512) ** 2, 16 if full else 4, images)
    steps = math.ceil(images / batch)
    weights, said = start_of(request, 'resnet18')
    head = dict(num_classes=Code('len(classes)'))
    model: dict[str, Any] = dict(data_preprocessor=dict(size=Code('crop_size')), decode_head=head)
    if full:
        checkpoint = dict(checkpoint=Code('weights')) if weights else None
        model['backbone'] = dict(init_cfg=checkpoint)
    entries = [
        Entry('_base_', f'mmvisx::{RECIPES[full]}.py'),
        Entry('scale', (side, side), 'Long edge of the images, and the part cut out, in pixels.'),
        Entry('crop_size', (crop, crop)),
        Entry('train_pipeline', _pipeline('train')),
        Entry('test_pipeline', _pipeline('test')),
        *loaders(request, batch),
        *start_entries(request, weights),
        Entry('model', model, f'{len(request.data.classes)} classes; {said}.'),
    ]
    plan = _by_epochs if full else _by_iterations
    length, schedule, checkpoint_name = plan(images, batch, steps, weights is not None)
    summary = {
        'task': 'a class for each pixel',
        'network': f'{RECIPES[full]}, long edge {side} pixels, crops of {crop}x{crop}',
        'weights': said,
        'training': length,
    }
    return Plan([*entries, *schedule], summary, checkpoint_name)


def _by_epochs(
    images: int, batch: int, steps: int, pretrained: bool
) -> tuple[str, list[Entry], str]:
    epochs = epochs_for(images, batch, 2000 if pretrained else 6000, 20)
    # The recipe's rate is for 10 images a step.
    rate = dict(optimizer=dict(lr=5e-3 * batch / 10))
    length = f'{epochs} epochs of {steps} steps of {batch} images'
    return length, epochs_schedule(epochs, steps, rate, f'{length}.'), f'epoch_{epochs}.pth'


def _by_iterations(
    images: int, batch: int, steps: int, pretrained: bool
) -> tuple[str, list[Entry], str]:
    """Return the schedule of a loop that counts iterations: epochs of few images are short."""
    iterations = max(600, 20 * steps)
    every = max(1, iterations // 3)
    cosine = dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=0,
        end=Code('max_iters'),
        T_max=Code('max_iters'),
        eta_min=0,
    )
    length = f'{iterations} steps of {batch} images ({iterations * batch / images:.0f} epochs)'
    entries = [
        Entry('max_iters', iterations, f'{length}.'),
        Entry('train_cfg', dict(max_iters=Code('max_iters'), val_interval=every)),
        Entry('optim_wrapper', dict(optimizer=dict(lr=0.05 * batch / 4))),
        Entry('param_scheduler', [cosine]),
        Entry(
            'default_hooks',
            dict(checkpoint=dict(interval=every, max_keep_ckpts=2)),
            'A checkpoint whenever the validation part is evaluated.',
        ),
    ]
    return length, entries, f'iter_{iterations}.pth'


def _pipeline(part: str) -> list[dict[str, Any]]:
    image = dict(type='mmvisx.LoadImageFromFile')
    labels = dict(type='mmvisx.LoadSegAnnotations')
    pack = dict(type='PackSegInputs')
    if part == 'test':  # scored at the size of the image
        return [image, dict(type='Resize', scale=Code('scale'), keep_ratio=True), labels, pack]
    resize = dict(
        type='RandomResize', scale=Code('scale'), ratio_range=(0.75, 1.5), keep_ratio=True
    )
    crop = dict(type='RandomCrop', crop_size=Code('crop_size'))
    flip = dict(type='mmvisx.RandomFlip', prob=0.5)
    return [image, labels, resize, crop, flip, dict(type='PhotoMetricDistortion'), pack]
