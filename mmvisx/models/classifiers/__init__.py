"""Classifiers."""

from .bag_of_tricks_distillation import DistillationClassifier
from .ensemble import EnsembleClassifier
from .few_shot_training import PredictorTraining

__all__ = ['DistillationClassifier', 'EnsembleClassifier', 'PredictorTraining']
