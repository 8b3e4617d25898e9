"""Losses."""

from .bag_of_tricks_distillation import distillation_loss
from .bag_of_tricks_label_smooth import LabelSmoothLoss
from .detection_label_smooth import SmoothedCrossEntropyLoss, SmoothedSigmoidLoss

__all__ = [
    'LabelSmoothLoss',
    'SmoothedCrossEntropyLoss',
    'SmoothedSigmoidLoss',
    'distillation_loss',
]
