"""Heads."""

from .bag_of_tricks_scores import ScoresHead
from .detection_yolov3_head import SizeWeightedYOLOV3Head
from .fcn_skip import FCNSkipHead
from .few_shot_extended import ExtendedClsHead
from .few_shot_predicted import PredictedHead
from .few_shot_triplet import TripletHead
from .neural_rejuvenation_two_heads import TwoHeadLinearClsHead
from .resnet_tweak_stage import ResNetTweakStage
from .stacked_unet_degridding import DeGriddingHead
from .vip_deeplab import DepthHead, PixelHead

__all__ = [
    'DeGriddingHead',
    'DepthHead',
    'ExtendedClsHead',
    'FCNSkipHead',
    'PixelHead',
    'PredictedHead',
    'ResNetTweakStage',
    'ScoresHead',
    'SizeWeightedYOLOV3Head',
    'TripletHead',
    'TwoHeadLinearClsHead',
]
