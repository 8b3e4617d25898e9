"""Mixup with the mirrored batch as partner (000, 2.5.4)."""

from __future__ import annotations

import numpy as np
from mmpretrain.models.utils.batch_augments import Mixup
from torch import Tensor

from mmvisx.registry import BATCH_AUGMENTS
from mmvisx.utils.errors import UserError

__all__ = ['MirrorMixup', 'mirror_mixup']


def mirror_mixup(inputs: Tensor, scores: Tensor, lam: float) -> tuple[Tensor, Tensor]:
    """Mix every image and label with its mirror in the batch (Eq. 2.7 and 2.8).

    The first is mixed with the last, the second with the last but one, and so on; in a batch
    of odd size the middle one stays as it is.

    Args:
        inputs: ``(N, ...)``.
        scores: ``(N, K)``, one-hot or soft.
        lam: Share of an image itself, in [0, 1].
    """
    return (
        lam * inputs + (1 - lam) * inputs.flip(0),
        lam * scores + (1 - lam) * scores.flip(0),
    )


@BATCH_AUGMENTS.register_module()
class MirrorMixup(Mixup):
    """Mixup with one lambda per batch and the mirror in the batch's order as partner.

    To be used as ``train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2))`` of a
    classifier.

    Args:
        alpha: Of Beta(alpha, alpha), from which lambda is drawn; above 0.

    Raises:
        UserError: alpha is not positive, or a batch has one image.

    Source: 000, Eq. 2.7 and 2.8, alpha in 2.5.5; the partner is that of the authors' code.
    Differs from mmpretrain's ``Mixup`` only in the partner, which is a random one there.
    """

    def __init__(self, alpha: float = 0.2) -> None:
        if not alpha > 0:
            raise UserError(f'alpha={alpha!r} of mixup should be above 0')
        super().__init__(float(alpha))

    def mix(self, batch_inputs: Tensor, batch_scores: Tensor) -> tuple[Tensor, Tensor]:
        """Mix images ``(N, C, H, W)`` and labels ``(N, K)``."""
        if len(batch_inputs) < 2:
            raise UserError(
                'mixup needs at least 2 images, but a batch has 1. Raise '
                'train_dataloader.batch_size; if only the last batch of an epoch is that small, '
                'set train_dataloader.drop_last=True'
            )
        return mirror_mixup(batch_inputs, batch_scores, np.random.beta(self.alpha, self.alpha))
