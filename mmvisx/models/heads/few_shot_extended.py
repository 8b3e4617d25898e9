"""The last layer of a classifier with rows for new classes."""

from __future__ import annotations

from typing import Any

import torch
from mmpretrain.models.heads import LinearClsHead
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['ExtendedClsHead']


@MODELS.register_module()
class ExtendedClsHead(LinearClsHead):
    """A linear classifier of known classes (``fc``) and, after them, of new ones (``new``).

    As ``fc`` is the known classes' layer, ``load_from`` takes their classifier as it is.

    Args:
        num_classes: Known and new ones.
        in_channels: Of an activation, d.
        known: Number of known classes.
        **kwargs: Of mmpretrain's ``LinearClsHead``.

    Raises:
        UserError: ``known`` is not below ``num_classes``, or is below 1.

    Source: 001, section 2.4.1.1: fine-tuning extends the fully connected layer.
    """

    def __init__(self, num_classes: int, in_channels: int, known: int, **kwargs: Any) -> None:
        if not 0 < known < num_classes:
            raise UserError(
                f'known={known} of ExtendedClsHead must lie between 0 and num_classes={num_classes}'
            )
        super().__init__(known, in_channels, **kwargs)
        self.num_classes = num_classes
        self.new = nn.Linear(in_channels, num_classes - known)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return logits ``(N, num_classes)`` of the stages' features, the last ``(N, d)``."""
        x = self.pre_logits(feats)
        return torch.cat([self.fc(x), self.new(x)], dim=1)
