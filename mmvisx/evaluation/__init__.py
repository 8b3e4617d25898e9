"""Metrics and test-time evaluation."""

from mmvisx.analysis.gunn_collapse import (
    ChannelCorrelation,
    Collapse,
    find_collapsed_channels,
    record_correlations,
)
from mmvisx.evaluation.detection.coco_metric import CocoMetric
from mmvisx.evaluation.detection.voc_metric import VOCMetric
from mmvisx.evaluation.panoptic.metric import PanopticQualityMetric
from mmvisx.evaluation.segmentation.multi_task_iou import TaskIoUMetric

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
