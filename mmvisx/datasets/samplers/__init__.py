"""Samplers."""

from .class_balanced import ClassBalancedSampler
from .few_shot_pairs import PairSampler

__all__ = ['ClassBalancedSampler', 'PairSampler']
