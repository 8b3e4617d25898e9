"""Segmentors."""

from .multi_task_preprocessor import TaskDataPreprocessor
from .multi_task_segmentor import MultiTaskSegmentor

__all__ = ['MultiTaskSegmentor', 'TaskDataPreprocessor']
