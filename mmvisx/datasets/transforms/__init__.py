"""Data transforms."""

from .bag_of_tricks_hsv_jitter import HSVJitter
from .bag_of_tricks_pca_noise import PCANoise
from .detection_mixup import DetectionMixUp
from .detection_mixup_packing import PackDetInputs
from .loading import LoadAnnotations, LoadImageFromFile
from .random_flip import RandomFlip
from .random_scale import RandomScale
from .seg_loading import LoadSegAnnotations, LoadTaskAnnotations, PackTaskInputs

__all__ = [
    'DetectionMixUp',
    'HSVJitter',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadSegAnnotations',
    'LoadTaskAnnotations',
    'PCANoise',
    'PackDetInputs',
    'PackTaskInputs',
    'RandomFlip',
    'RandomScale',
]
