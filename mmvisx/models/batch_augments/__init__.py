"""Augmentation of whole batches, on the model's device."""

from .bag_of_tricks_mixup import MirrorMixup
from .detection_random_shapes import RandomTrainingShapes

__all__ = ['MirrorMixup', 'RandomTrainingShapes']
