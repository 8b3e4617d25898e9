"""The classifier of a detector's boxes, which learns classes from a few boxes.

Vocabulary and letters are those of :mod:`~mmvisx.models.heads.few_shot_predicted`; N are regions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .few_shot_predicted import PredictedHead

__all__ = ['TaughtBoxes']


class TaughtBoxes(nn.Module):
    """Classify regions as large classes, few classes and background, in this order.

    Large classes and the background keep the weights and biases that were learnt, so that adding
    a class changes no logit of theirs. Weights of few classes are predicted
    (:class:`mmvisx.PredictedHead`), ``u``; their logit is ``scale * u.(a - centre) + bias``, with
    samples less the centre, too. Activations of regions are all positive and share a direction:
    ``centre``, half-way between objects and background, takes that out, and ``scale`` and ``bias``
    bring the rest to the range of the learnt logits. They are fitted on large classes that are
    treated as new (:func:`mmvisx.analysis.few_shot_boxes.fit_boxes`).

    Args:
        learnt: The detector's layer with L + 1 outputs, the background last.
        predictor: Config of the :class:`mmvisx.ParameterPredictor`.
        few: See :class:`mmvisx.PredictedHead`.

    Attributes:
        taught: The head, whose large weights are not used.
    """

    centre: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, learnt: nn.Linear, predictor: dict[str, Any], few: str = 'mean') -> None:
        super().__init__()
        self.learnt = learnt
        self.taught = PredictedHead(predictor, learnt.out_features - 1, few)
        self.register_buffer('centre', torch.zeros(learnt.in_features))
        self.register_buffer('scale', torch.ones(()))
        self.register_buffer('bias', torch.zeros(()))

    @torch.no_grad()
    def set_range(self, centre: Tensor, scale: Tensor, bias: Tensor) -> None:
        """Set the centre ``(d,)``, scale ``()`` and bias ``()`` of new logits."""
        self.centre.copy_(centre)
        self.scale.copy_(scale)
        self.bias.copy_(bias)

    def forward(self, activations: Tensor) -> Tensor:
        """Return logits ``(N, L + F + 1)`` of regions' activations ``(N, d)``."""
        learnt = self.learnt(activations)
        if not len(self.taught.few_weight):
            return learnt
        few = self.scale * self.taught.classify_few(activations - self.centre) + self.bias
        return torch.cat([learnt[:, :-1], few, learnt[:, -1:]], dim=1)
