"""The Python interface."""

from .classification import ClassificationInferencer
from .inferencer import Inferencer

__all__ = ['ClassificationInferencer', 'Inferencer']
