"""The Python interface."""

from .inferencer import Inferencer

__all__ = ['Inferencer']
