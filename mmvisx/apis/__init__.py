"""The Python interface."""

from mmvisx.apis.inference.classification import ClassificationInferencer
from mmvisx.apis.inference.detection import Inferencer

__all__ = ['ClassificationInferencer', 'Inferencer']
