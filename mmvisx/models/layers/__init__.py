"""Convolutions and other building blocks."""

from mmvisx.ops.deform_conv import NonFiniteOffsetError, deform_conv2d
from mmvisx.ops.gunn.memory import gradual_update_in_place
from mmvisx.ops.gunn.update import gradual_update, simultaneous_update

from .detectors_conv_aws import ConvAWS2d
from .detectors_sac import SwitchableAtrousConv2d
from .fcn_skip_upsample import BilinearConvTranspose2d, bilinear_kernel
from .few_shot_predictor import ParameterPredictor
from .gunn_gradual import GraduallyUpdated
from .gunn_update_unit import BottleneckUpdate
from .stacked_unet_module import UNetModule
from .vip_deeplab_context import CascadeASPP

__all__ = [
    'BilinearConvTranspose2d',
    'BottleneckUpdate',
    'CascadeASPP',
    'ConvAWS2d',
    'GraduallyUpdated',
    'NonFiniteOffsetError',
    'ParameterPredictor',
    'SwitchableAtrousConv2d',
    'UNetModule',
    'bilinear_kernel',
    'deform_conv2d',
    'gradual_update',
    'gradual_update_in_place',
    'simultaneous_update',
]
