"""The Python interface."""

from mmvisx.apis.build import build_model
from mmvisx.apis.embedded_clustering import DeepClustering
from mmvisx.apis.inference import (
    ClassificationInferencer,
    Inferencer,
    SegmentationInferencer,
    inferencer_for,
)

__all__ = [
    'ClassificationInferencer',
    'DeepClustering',
    'Inferencer',
    'SegmentationInferencer',
    'build_model',
    'inferencer_for',
]
