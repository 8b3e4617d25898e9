"""Hooks."""

from .check_finite_loss import CheckFiniteLossHook
from .random_state import RandomStateHook

__all__ = ['CheckFiniteLossHook', 'RandomStateHook']
