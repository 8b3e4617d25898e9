"""Classifiers."""

from .bag_of_tricks_distillation import DistillationClassifier

__all__ = ['DistillationClassifier']
