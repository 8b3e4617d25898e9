"""Models: layers, backbones, necks, heads and losses."""

from . import backbones, layers, necks

__all__ = ['backbones', 'layers', 'necks']
