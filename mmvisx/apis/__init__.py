"""The Python interface."""

from typing import TYPE_CHECKING, Any

from mmvisx.apis.build import build_model
from mmvisx.apis.inference import (
    ClassificationInferencer,
    Inferencer,
    SegmentationInferencer,
    inferencer_for,
)

if TYPE_CHECKING:
    from mmvisx.apis.embedded_clustering.estimator import DeepClustering

__all__ = [
    'ClassificationInferencer',
    'DeepClustering',
    'Inferencer',
    'SegmentationInferencer',
    'build_model',
    'inferencer_for',
]


def __getattr__(name: str) -> Any:
    """Import the clusterer when it is asked for: inferencers do without its training's engine."""
    if name == 'DeepClustering':
        from mmvisx.apis.embedded_clustering.estimator import DeepClustering

        return DeepClustering
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
