"""Backbones."""

from .cifar_resnet import CifarResNet
from .detectors_resnet import DetectoRSResNet
from .detectors_resnext import DetectoRSResNeXt
from .gunn import GUNN
from .mobilenet_v1 import MobileNetV1
from .resnet_tweak import ResNetTweak
from .torchvision_features import TorchvisionFeatures

__all__ = [
    'GUNN',
    'CifarResNet',
    'DetectoRSResNeXt',
    'DetectoRSResNet',
    'MobileNetV1',
    'ResNetTweak',
    'TorchvisionFeatures',
]
