"""Samplers."""

from .bundle_batch import BundleBatchSampler
from .class_balanced import ClassBalancedSampler
from .few_shot_pairs import PairSampler

__all__ = ['BundleBatchSampler', 'ClassBalancedSampler', 'PairSampler']
