"""Models: layers, backbones, necks, heads, losses and test-time augmentation."""

from . import backbones, layers, necks, test_time_augs

__all__ = ['backbones', 'layers', 'necks', 'test_time_augs']
