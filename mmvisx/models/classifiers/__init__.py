"""Classifiers."""

from .bag_of_tricks_distillation import DistillationClassifier
from .ensemble import EnsembleClassifier

__all__ = ['DistillationClassifier', 'EnsembleClassifier']
