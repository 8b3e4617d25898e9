"""Metrics and test-time evaluation."""

from .coco_metric import CocoMetric
from .gunn_collapse import (
    ChannelCorrelation,
    Collapse,
    find_collapsed_channels,
    record_correlations,
)
from .multi_task_iou import TaskIoUMetric
from .panoptic_metric import PanopticQualityMetric
from .voc_metric import VOCMetric

__all__ = [
    'ChannelCorrelation',
    'CocoMetric',
    'Collapse',
    'PanopticQualityMetric',
    'TaskIoUMetric',
    'VOCMetric',
    'find_collapsed_channels',
    'record_correlations',
]
