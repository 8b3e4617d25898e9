"""Heads."""

from .bag_of_tricks_scores import ScoresHead
from .detection_yolov3_head import SizeWeightedYOLOV3Head
from .resnet_tweak_stage import ResNetTweakStage

__all__ = ['ResNetTweakStage', 'ScoresHead', 'SizeWeightedYOLOV3Head']
