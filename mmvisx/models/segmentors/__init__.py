"""Segmentors."""

from .co_training import CoTrainingSegmentor
from .multi_task_preprocessor import TaskDataPreprocessor
from .multi_task_segmentor import MultiTaskSegmentor
from .vip_deeplab import ViPDeepLab
from .vip_deeplab_preprocessor import FramePreprocessor

__all__ = [
    'CoTrainingSegmentor',
    'FramePreprocessor',
    'MultiTaskSegmentor',
    'TaskDataPreprocessor',
    'ViPDeepLab',
]
