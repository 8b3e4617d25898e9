"""Data transforms."""

from .bag_of_tricks_hsv_jitter import HSVJitter
from .bag_of_tricks_pca_noise import PCANoise
from .detection_mixup import DetectionMixUp
from .detection_mixup_packing import PackDetInputs
from .loading import LoadAnnotations, LoadImageFromFile
from .random_flip import RandomFlip
from .random_scale import RandomScale
from .seg_loading import LoadSegAnnotations, LoadTaskAnnotations, PackTaskInputs
from .vip_deeplab_frames import (
    FrameAutoAugment,
    RandomFrameCrop,
    RandomFrameFlip,
    RandomFrameRotation,
    RandomFrameScale,
)
from .vip_deeplab_loading import LoadPanopticFrames
from .vip_deeplab_packing import PackPanopticFrames
from .vip_deeplab_targets import GeneratePanopticTargets

__all__ = [
    'DetectionMixUp',
    'FrameAutoAugment',
    'GeneratePanopticTargets',
    'HSVJitter',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadPanopticFrames',
    'LoadSegAnnotations',
    'LoadTaskAnnotations',
    'PCANoise',
    'PackDetInputs',
    'PackPanopticFrames',
    'PackTaskInputs',
    'RandomFlip',
    'RandomFrameCrop',
    'RandomFrameFlip',
    'RandomFrameRotation',
    'RandomFrameScale',
    'RandomScale',
]
