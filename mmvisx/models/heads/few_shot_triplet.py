"""Learn distances between images: the triplet network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models.heads import ClsHead
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['TripletHead', 'cosine_distance', 'draw_triplets']


def cosine_distance(x: Tensor, y: Tensor) -> Tensor:
    """Return one less the cosine of the angle between vectors ``(N, d)``, ``(N,)``."""
    return 1 - torch.cosine_similarity(x, y)


def draw_triplets(
    labels: Tensor, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw, for each image with a mate, an image of its class and one of another.

    Args:
        labels: ``(N,)``.
        generator: Of the draws.

    Returns:
        Anchors, positives and negatives, ``(M,)`` each; M is 0 where no class comes twice, or
        only one class is there.
    """
    same = labels[:, None] == labels
    others, mates = ~same, same.clone().fill_diagonal_(False)
    anchors = (mates.any(dim=1) & others.any(dim=1)).nonzero().flatten()
    if not len(anchors):
        return anchors, anchors, anchors
    positives, negatives = (
        torch.multinomial(choice[anchors].float(), 1, generator=generator).flatten()
        for choice in (mates, others)
    )
    return anchors, positives, negatives


@MODELS.register_module()
class TripletHead(ClsHead):
    """Draw images of a class together and push others away, by their cosine distance.

    It has no classes: :func:`mmvisx.apis.build_bank` keeps its activations, and the nearest
    neighbour among them classifies. :class:`mmvisx.PairSampler` gives each image a mate.

    Args:
        margin: By which another class has to be farther away.
        **kwargs: Of mmpretrain's ``ClsHead``.

    Source: 001, section 2.4.1.1 (after reference 174), which gives no margin and no choice of
    negatives; here they are random ones of the batch.
    """

    def __init__(self, margin: float = 0.2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.triplet = nn.TripletMarginWithDistanceLoss(
            distance_function=cosine_distance, margin=margin
        )

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return activations ``(N, d)``: the last of the features."""
        return feats[-1]

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: Sequence[Any], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss``, and ``active``: the share of triplets that it is not zero of.

        Args:
            feats: Of the stages, the last ``(N, d)``.
            data_samples: N samples with labels.
            **kwargs: Not used.
        """
        x = self.pre_logits(feats)
        labels = torch.cat([sample.gt_label for sample in data_samples]).to(x.device)
        anchors, positives, negatives = (x[rows] for rows in draw_triplets(labels))
        if not len(anchors):
            return dict(loss=x.sum() * 0)
        loss = self.triplet(anchors, positives, negatives)
        with torch.no_grad():
            gap = cosine_distance(anchors, negatives) - cosine_distance(anchors, positives)
        return dict(loss=loss, active=(gap < self.triplet.margin).float().mean())

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return activations ``(N, d)``: there are no logits."""
        return self.pre_logits(feats)

    def predict(self, feats: tuple[Tensor, ...], data_samples: Any = None) -> Any:
        """Refuse: there are no classes to predict.

        Args:
            feats: ``(N, d)``.
            data_samples: N samples.

        Raises:
            UserError: Always; it says what to do.
        """
        raise UserError(
            'a triplet network predicts no classes: keep its activations in banks (mmvisx '
            'few-shot build-bank) and compare these (mmvisx few-shot compare)'
        )
