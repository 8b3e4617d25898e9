"""Test-time augmentation."""

from .det_tta import DetTTAModel
from .seg_tta import SegTTAModel

__all__ = ['DetTTAModel', 'SegTTAModel']
