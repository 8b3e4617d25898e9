"""Augmentation of whole batches, on the model's device."""

from .bag_of_tricks_mixup import MirrorMixup

__all__ = ['MirrorMixup']
