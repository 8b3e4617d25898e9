"""Classifiers."""

from .bag_of_tricks_distillation import DistillationClassifier
from .co_training import CoTrainingClassifier
from .co_training_baselines import MeanTeacher, PiModel, SupervisedViews
from .co_training_confident import ConfidentCoTraining
from .ensemble import EnsembleClassifier
from .few_shot_training import PredictorTraining

__all__ = [
    'CoTrainingClassifier',
    'ConfidentCoTraining',
    'DistillationClassifier',
    'EnsembleClassifier',
    'MeanTeacher',
    'PiModel',
    'PredictorTraining',
    'SupervisedViews',
]
