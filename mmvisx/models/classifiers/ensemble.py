"""Several trained classifiers that vote with their probabilities (004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmpretrain.models.classifiers.base import BaseClassifier
from mmpretrain.models.heads import ClsHead
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.errors import UserError

__all__ = ['EnsembleClassifier']


@MODELS.register_module()
class EnsembleClassifier(BaseModel):
    """Average the predicted probabilities of several classifiers; for testing only.

    Each member preprocesses the images in its own way, so members may be different networks
    with different normalisation; what the test pipeline does (size, crop) is the same for all.

    Args:
        members: Configs of classifiers with the same classes.
        checkpoints: A file for each; None leaves the weights as they are built.
        allow_partial: Take checkpoints that lack weights of their member, with a warning.

    Raises:
        UserError: there is no member, one is no classifier with one label to an image, the
            class counts differ, or a checkpoint does not exist or does not fit.

    Source: 004, slide 58: "take several trained models and average their predictions".
    """

    def __init__(
        self,
        members: Sequence[dict],
        checkpoints: Sequence[str] | None = None,
        allow_partial: bool = False,
    ) -> None:
        super().__init__()
        if not members or (checkpoints is not None and len(checkpoints) != len(members)):
            raise UserError(
                f'an ensemble needs a checkpoint for each of its members, not '
                f'{len(checkpoints or ())} for {len(members)}'
            )
        self.members = nn.ModuleList(_build(config) for config in members)
        classes = {getattr(member.head, 'num_classes', None) for member in self.members}
        if len(classes) > 1:
            raise UserError(f'the members of an ensemble have different class counts: {classes}')
        for member, path in zip(self.members, checkpoints or (), strict=False):
            mode = 'partial' if allow_partial else 'exact'
            load_weights(member, read_checkpoint(path), path, mode)

    def forward(
        self, inputs: Tensor, data_samples: list[DataSample] | None = None, mode: str = 'tensor'
    ) -> Tensor:
        """Return the mean probabilities, ``(N, C, H, W)`` to ``(N, K)``.

        The images are preprocessed already, in the same way for all members;
        :meth:`test_step` leaves that to them.

        Raises:
            UserError: ``mode='loss'``.
        """
        if mode == 'loss':
            raise UserError('EnsembleClassifier is for testing; train its members one by one')
        scores = [member(inputs, mode='tensor').softmax(dim=1) for member in self.members]
        return torch.stack(scores).mean(dim=0)

    def test_step(self, data: Any) -> list[DataSample]:
        """Return samples with the mean ``pred_score`` and its ``pred_label``."""
        scores = []
        members: Any = self.members
        for member in members:
            # The samples are the same objects each time: read before the next writes.
            samples = member.test_step(data)
            scores.append(torch.stack([sample.pred_score for sample in samples]))
        mean = torch.stack(scores).mean(dim=0)
        for sample, score in zip(samples, mean, strict=True):
            sample.set_pred_score(score).set_pred_label(score.argmax(dim=0, keepdim=True))
        return samples

    val_step = test_step


def _build(config: dict) -> BaseClassifier:
    member = MMPRETRAIN_MODELS.build(config)
    head = getattr(member, 'head', None)
    # mmpretrain's heads for several labels to an image are no ClsHead.
    if not isinstance(member, BaseClassifier) or not isinstance(head, ClsHead):
        raise UserError(
            f'{config["type"]} cannot be part of an ensemble: it averages the class '
            'probabilities of classifiers with one label to an image'
        )
    return member
