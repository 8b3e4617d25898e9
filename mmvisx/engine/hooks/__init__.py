"""Hooks."""

from mmvisx.engine.hooks.neural_rejuvenation.baseline import CrossAttentionBaselineHook
from mmvisx.engine.hooks.neural_rejuvenation.hook import NeuralRejuvenationHook
from mmvisx.engine.hooks.neural_rejuvenation.slimming import NetworkSlimmingHook

from .architecture import ArchitectureHook, KeepArchitectureHook
from .check_finite_loss import CheckFiniteLossHook
from .check_labels import CheckLabelsHook
from .check_seg_labels import CheckSegLabelsHook
from .checkpoint import CheckpointHook
from .class_count import ClassCountHook
from .class_weight import ClassWeightHook
from .classification_pictures import ClassificationPicturesHook
from .co_training_equal import EqualViewsHook
from .co_training_monitor import ViewMonitorHook
from .co_training_ramp import CoTrainingRampHook
from .detection_box_weights import BoxWeightsHook
from .detection_mixup_switch import MixUpSwitchHook
from .embedded_clustering_targets import DECTargetHook
from .fuse_for_test import FuseForTestHook
from .interruption import InterruptionHook
from .loop_state import KeepLoopHook
from .random_state import RandomStateHook
from .second_validation import SecondValidationHook
from .segmentation_pictures import SegmentationPicturesHook
from .update_ratio import UpdateRatioHook

__all__ = [
    'ArchitectureHook',
    'BoxWeightsHook',
    'CheckFiniteLossHook',
    'CheckLabelsHook',
    'CheckSegLabelsHook',
    'CheckpointHook',
    'ClassCountHook',
    'ClassWeightHook',
    'ClassificationPicturesHook',
    'CoTrainingRampHook',
    'CrossAttentionBaselineHook',
    'DECTargetHook',
    'EqualViewsHook',
    'FuseForTestHook',
    'InterruptionHook',
    'KeepArchitectureHook',
    'KeepLoopHook',
    'MixUpSwitchHook',
    'NetworkSlimmingHook',
    'NeuralRejuvenationHook',
    'RandomStateHook',
    'SecondValidationHook',
    'SegmentationPicturesHook',
    'UpdateRatioHook',
    'ViewMonitorHook',
]
