"""Learn to predict the weights of classes, from activations that were computed before."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import Tensor

from mmvisx.registry import MODELS

__all__ = ['PredictorTraining', 'prediction_loss']


def prediction_loss(weights: Tensor, activations: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross entropy of activations under predicted weights, a scalar.

    Args:
        weights: Predicted for the K classes, ``(K, d)``.
        activations: Of the images that are classified, raw, ``(N, d)``.
        labels: Their classes, ``(N,)``.

    Source: 001, Eq. 2.1 and 2.2 (one statistic set), without the regulariser, which is the
    optimizer's weight decay. Differs from the document: the mean over the images, not the sum.
    """
    return F.cross_entropy(activations @ weights.T, labels)


@MODELS.register_module()
class PredictorTraining(BaseModel):
    """Train a :class:`mmvisx.ParameterPredictor` on statistic sets and training sets.

    A batch is a list of both, one a step of the document (:class:`mmvisx.StatisticSets`); the
    loss is the mean over it.

    Args:
        predictor: Config of the predictor.

    Source: 001, section 2.2.3 and Figure 2-4b.
    """

    def __init__(self, predictor: dict[str, Any]) -> None:
        super().__init__()
        self.predictor = MODELS.build(predictor)

    def forward(
        self,
        statistics: list[Tensor],
        activations: list[Tensor],
        labels: list[Tensor],
        mode: str = 'tensor',
    ) -> Any:
        """Classify activations by the weights predicted from statistics.

        Args:
            statistics: One for each class, ``(K, d)`` each.
            activations: ``(N, d)`` each.
            labels: ``(N,)`` each.
            mode: ``'loss'``: the named loss; ``'predict'``: for each item a sample with the
                scores ``(N, K)`` and classes ``(N,)`` of its activations; ``'tensor'``: logits
                ``(N, K)``, a list.
        """
        weights = [self.predictor(s) for s in statistics]
        if mode == 'loss':
            losses = map(prediction_loss, weights, activations, labels)
            return dict(loss=torch.stack(list(losses)).mean())
        logits = [a @ w.T for a, w in zip(activations, weights, strict=True)]
        if mode == 'tensor':
            return logits
        # A sample an item, as the evaluator counts them: of N images, with scores (N, K).
        return [
            DataSample(gt_label=classes, pred_score=scores.softmax(dim=-1))
            for scores, classes in zip(logits, labels, strict=True)
        ]
