"""Metrics and test-time evaluation."""

from mmvisx.evaluation.detection.coco_metric import CocoMetric
from mmvisx.evaluation.detection.voc_metric import VOCMetric
from mmvisx.evaluation.panoptic.metric import PanopticQualityMetric
from mmvisx.evaluation.segmentation.multi_task_iou import TaskIoUMetric

__all__ = [
    'CocoMetric',
    'PanopticQualityMetric',
    'TaskIoUMetric',
    'VOCMetric',
]
