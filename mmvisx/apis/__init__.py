"""The Python interface."""

from mmvisx.apis.inference import (
    ClassificationInferencer,
    Inferencer,
    SegmentationInferencer,
    inferencer_for,
)

__all__ = ['ClassificationInferencer', 'Inferencer', 'SegmentationInferencer', 'inferencer_for']
