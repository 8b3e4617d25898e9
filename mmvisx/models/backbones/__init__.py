"""Backbones."""

from .detectors_resnet import DetectoRSResNet
from .detectors_resnext import DetectoRSResNeXt

__all__ = ['DetectoRSResNeXt', 'DetectoRSResNet']
