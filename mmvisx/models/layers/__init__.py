"""Convolutions and other building blocks."""

from .detectors_conv_aws import ConvAWS2d
from .detectors_deform_conv import NonFiniteOffsetError, deform_conv2d
from .detectors_sac import SwitchableAtrousConv2d

__all__ = ['ConvAWS2d', 'NonFiniteOffsetError', 'SwitchableAtrousConv2d', 'deform_conv2d']
