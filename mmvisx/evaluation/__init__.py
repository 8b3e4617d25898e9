"""Metrics and test-time evaluation."""

from mmvisx.evaluation.classification.co_training_views import ViewAccuracy
from mmvisx.evaluation.classification.few_shot_episodes import EpisodeAccuracy
from mmvisx.evaluation.classification.few_shot_joint import JointAccuracy
from mmvisx.evaluation.clustering import ClusterMetric
from mmvisx.evaluation.detection.coco_metric import CocoMetric
from mmvisx.evaluation.detection.voc_metric import VOCMetric
from mmvisx.evaluation.panoptic.metric import PanopticQualityMetric
from mmvisx.evaluation.panoptic.vip_deeplab_metric import DVPQMetric
from mmvisx.evaluation.segmentation.co_training_views import ViewIoU
from mmvisx.evaluation.segmentation.multi_task_iou import TaskIoUMetric

__all__ = [
    'ClusterMetric',
    'CocoMetric',
    'DVPQMetric',
    'EpisodeAccuracy',
    'JointAccuracy',
    'PanopticQualityMetric',
    'TaskIoUMetric',
    'VOCMetric',
    'ViewAccuracy',
    'ViewIoU',
]
