"""Backbones."""

from .cifar_resnet import CifarResNet
from .detectors_resnet import DetectoRSResNet
from .detectors_resnext import DetectoRSResNeXt
from .gunn import GUNN
from .resnet_tweak import ResNetTweak

__all__ = ['GUNN', 'CifarResNet', 'DetectoRSResNeXt', 'DetectoRSResNet', 'ResNetTweak']
