"""Head of the backbones that end with their own classifier."""

from __future__ import annotations

from typing import Any

from mmpretrain.models.heads import ClsHead
from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

__all__ = ['ScoresHead']


@MODELS.register_module()
class ScoresHead(ClsHead):
    """mmpretrain's ``ClsHead``, which knows how many classes there are.

    Inception-V3, AlexNet and VGG give scores themselves. With ``num_classes`` the head can
    be compared with a data set (``mmvisx.ClassCountHook``) and with a teacher
    (``mmvisx.DistillationClassifier``).

    Args:
        num_classes: Of the backbone.
        **kwargs: Of ``ClsHead``: ``loss``, ``topk``, ``cal_acc``.

    Raises:
        UserError: The backbone gives another number of scores.

    Source: 000, 2.2.2 (Inception-V3).
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def forward(self, feats: tuple[Tensor | None, ...]) -> Tensor:
        """Return the last item of ``feats``, the scores ``(N, K)``."""
        scores: Tensor = self.pre_logits(feats)
        if scores.shape[1:] != (self.num_classes,):
            raise UserError(
                f'model.head.num_classes={self.num_classes}, but the backbone gives scores of '
                f'shape {tuple(scores.shape)}; set model.backbone.num_classes to the same'
            )
        return scores
