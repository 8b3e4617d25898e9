"""Heads."""

from .bag_of_tricks_scores import ScoresHead
from .resnet_tweak_stage import ResNetTweakStage

__all__ = ['ResNetTweakStage', 'ScoresHead']
