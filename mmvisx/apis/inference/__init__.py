"""Inference from Python: detect, segment or classify images from anywhere."""

from .base import ImageInferencer
from .classification import ClassificationInferencer
from .detection import Inferencer
from .pick import inferencer_for
from .segmentation import SegmentationInferencer

__all__ = [
    'ClassificationInferencer',
    'ImageInferencer',
    'Inferencer',
    'SegmentationInferencer',
    'inferencer_for',
]
