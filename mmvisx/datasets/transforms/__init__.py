"""Data transforms."""

from .detection_mixup import DetectionMixUp
from .detection_mixup_packing import PackDetInputs
from .loading import LoadAnnotations, LoadImageFromFile

__all__ = ['DetectionMixUp', 'LoadAnnotations', 'LoadImageFromFile', 'PackDetInputs']
