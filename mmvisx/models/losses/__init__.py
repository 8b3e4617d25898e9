"""Losses."""

from .bag_of_tricks_distillation import distillation_loss
from .bag_of_tricks_label_smooth import LabelSmoothLoss
from .co_training import JensenShannonLoss, ViewDifferenceLoss
from .detection_label_smooth import SmoothedCrossEntropyLoss, SmoothedSigmoidLoss
from .vip_deeplab_depth import DepthLoss
from .vip_deeplab_panoptic import HardestCrossEntropyLoss

__all__ = [
    'DepthLoss',
    'HardestCrossEntropyLoss',
    'JensenShannonLoss',
    'LabelSmoothLoss',
    'SmoothedCrossEntropyLoss',
    'SmoothedSigmoidLoss',
    'ViewDifferenceLoss',
    'distillation_loss',
]
