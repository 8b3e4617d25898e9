"""Optimizer wrappers."""

from .bfloat16_wrapper import BFloat16OptimWrapper

__all__ = ['BFloat16OptimWrapper']
