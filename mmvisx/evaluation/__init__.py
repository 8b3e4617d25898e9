"""Metrics and test-time evaluation."""

from .coco_metric import CocoMetric
from .panoptic_metric import PanopticQualityMetric
from .voc_metric import VOCMetric

__all__ = ['CocoMetric', 'PanopticQualityMetric', 'VOCMetric']
