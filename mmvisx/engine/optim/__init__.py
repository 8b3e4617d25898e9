"""Optimizer wrappers."""

from .asynchronous_sgd import AsynchronousSGD
from .asynchronous_sgd_constructor import AsynchronousSGDConstructor
from .bfloat16_wrapper import BFloat16OptimWrapper

__all__ = ['AsynchronousSGD', 'AsynchronousSGDConstructor', 'BFloat16OptimWrapper']
