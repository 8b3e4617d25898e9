"""Classify images."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np

from mmvisx.registry import INFERENCERS
from mmvisx.visualization.classification import draw_scores

from .base import ImageInferencer
from .options import Option
from .results import ClassPrediction

__all__ = ['ClassificationInferencer']


@INFERENCERS.register_module()
class ClassificationInferencer(ImageInferencer[ClassPrediction]):
    """A classifier: the best classes of each image (``top_k``), as a list beside the image.

    Class names are those of the checkpoint (MMEngine saves them in training), else of the
    config's test data, else numbers.
    """

    scope = 'mmpretrain'
    options: ClassVar[dict[str, Option]] = dict(top_k=Option(5, 1))

    @property
    def classes(self) -> Any:
        """Names of the classes, or ``None``."""
        return self.model.dataset_meta.get('classes')

    def describe(self, sample: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Return, the best first, ``labels``, ``label_names`` and ``scores``."""
        scores, labels = (
            sample.pred_score.float().cpu().topk(min(options['top_k'], len(sample.pred_score)))
        )
        names = [str(k) if self.classes is None else self.classes[k] for k in labels.tolist()]
        return dict(labels=labels.tolist(), label_names=names, scores=scores.tolist())

    def draw(
        self,
        image: np.ndarray,
        sample: Any,
        prediction: dict[str, Any],
        options: dict[str, Any],
    ) -> np.ndarray:
        """Return the image ``(H, W, 3)`` with names and scores to its right."""
        return draw_scores(image, prediction['label_names'], prediction['scores'])

    def shown(self, prediction: dict[str, Any], options: dict[str, Any]) -> list[str]:
        """Return the name of the best class."""
        return prediction['label_names'][:1]

    def summary(self, found: Counter[str]) -> str:
        """Say which classes are the most frequent ones."""
        counts = ', '.join(f'{count} {name}' for name, count in found.most_common(5))
        return f'classes: {counts}' if counts else 'no class'
