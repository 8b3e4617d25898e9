"""Models: layers, backbones, necks, heads, losses, test-time augmentation and conversions."""

from . import backbones, layers, necks, test_time_augs, utils

__all__ = ['backbones', 'layers', 'necks', 'test_time_augs', 'utils']
