"""Models: layers, backbones, necks, heads, losses, whole classifiers and more."""

from . import (
    backbones,
    batch_augments,
    classifiers,
    clusterers,
    heads,
    layers,
    losses,
    necks,
    segmentors,
    test_time_augs,
)

__all__ = [
    'backbones',
    'batch_augments',
    'classifiers',
    'clusterers',
    'heads',
    'layers',
    'losses',
    'necks',
    'segmentors',
    'test_time_augs',
]
