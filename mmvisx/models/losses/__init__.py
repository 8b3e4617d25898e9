"""Losses."""

from .bag_of_tricks_distillation import distillation_loss
from .bag_of_tricks_label_smooth import LabelSmoothLoss

__all__ = ['LabelSmoothLoss', 'distillation_loss']
