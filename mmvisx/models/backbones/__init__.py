"""Backbones."""

from .cifar_resnet import CifarResNet
from .co_training_cnn13 import CNN13
from .detectors_resnet import DetectoRSResNet
from .detectors_resnext import DetectoRSResNeXt
from .fcn_skip_features import FCNFeatures
from .few_shot_conv import FourConv
from .few_shot_wide import PostActivationWideResNet
from .gunn import GUNN
from .mobilenet_v1 import MobileNetV1
from .neural_rejuvenation_densenet import PostActivationDenseNet
from .neural_rejuvenation_resnet import CifarBottleneckResNet
from .neural_rejuvenation_vgg import ConvVGG
from .resnet_tweak import ResNetTweak
from .stacked_unet import StackedUNet
from .torchvision_features import TorchvisionFeatures
from .vip_deeplab_wide import WideResNet41

__all__ = [
    'CNN13',
    'GUNN',
    'CifarBottleneckResNet',
    'CifarResNet',
    'ConvVGG',
    'DetectoRSResNeXt',
    'DetectoRSResNet',
    'FCNFeatures',
    'FourConv',
    'MobileNetV1',
    'PostActivationDenseNet',
    'PostActivationWideResNet',
    'ResNetTweak',
    'StackedUNet',
    'TorchvisionFeatures',
    'WideResNet41',
]
