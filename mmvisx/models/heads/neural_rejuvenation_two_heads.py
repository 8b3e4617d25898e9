"""A linear classifier in which rejuvenated neurons have logits and a loss of their own."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.heads import LinearClsHead
from torch import Tensor

from mmvisx.registry import MODELS

__all__ = ['TwoHeadLinearClsHead']


@MODELS.register_module()
class TwoHeadLinearClsHead(LinearClsHead):
    """mmpretrain's ``LinearClsHead``, which a rejuvenation splits into two.

    With survived features S and rejuvenated ones R, the logits ``W_S S + b`` and ``W_R R + b``
    each get a loss, and their sum ``W_S S + W_R R + b`` is the prediction. ``W_R`` starts at
    zero, as in every layer that both kinds feed, so that the prediction is kept. Until
    ``mmvisx.NeuralRejuvenationHook`` with ``two_heads=True`` has split the features this is a
    ``LinearClsHead``.

    Args:
        *args: Of ``LinearClsHead``.
        **kwargs: Of ``LinearClsHead``.

    Source: not in 001; the authors' code for CIFAR does it, with the shared bias in both terms.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rejuvenated: Tensor | None = None

    def split_features(self, rejuvenated: Tensor) -> None:
        """Say which features, as indices ``(R,)``, are those of rejuvenated neurons."""
        self.rejuvenated = rejuvenated if rejuvenated.numel() else None
        self.in_channels = self.fc.in_features

    def loss(self, feats: tuple[Tensor, ...], data_samples: list, **kwargs: Any) -> dict:
        """Return ``loss_survived`` and ``loss_rejuvenated``, or ``loss`` before the split.

        Args:
            feats: The last are the features, ``(N, C)``.
            data_samples: N.
            **kwargs: Of the loss.
        """
        if self.rejuvenated is None:
            return super().loss(feats, data_samples, **kwargs)
        features = self.pre_logits(feats)
        fresh = torch.zeros(features.size(1), dtype=torch.bool, device=features.device)
        fresh[self.rejuvenated.to(features.device)] = True
        losses = {}
        for name, mask in (('survived', ~fresh), ('rejuvenated', fresh)):
            scores = F.linear(features[:, mask], self.fc.weight[:, mask], self.fc.bias)
            terms = self._get_loss(scores, data_samples, **kwargs)
            losses.update({f'{key}_{name}': value for key, value in terms.items()})
        return losses
