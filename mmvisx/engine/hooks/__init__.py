"""Hooks."""

from .check_finite_loss import CheckFiniteLossHook
from .detection_box_weights import BoxWeightsHook
from .random_state import RandomStateHook

__all__ = ['BoxWeightsHook', 'CheckFiniteLossHook', 'RandomStateHook']
