"""Segmentors."""

from .co_training import CoTrainingSegmentor
from .multi_task_preprocessor import TaskDataPreprocessor
from .multi_task_segmentor import MultiTaskSegmentor

__all__ = ['CoTrainingSegmentor', 'MultiTaskSegmentor', 'TaskDataPreprocessor']
