"""Co-trained classifiers that leave out unlabelled images of which they are not sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .co_training import CoTrainingClassifier

__all__ = ['ConfidentCoTraining']


@MODELS.register_module()
class ConfidentCoTraining(CoTrainingClassifier):
    """Deep Co-Training without the unlabelled images that the views are unsure of.

    For unlabelled images among which are some of no known class, which views cannot be sure of
    with reason. A view's confidence in an image is its largest probability; where the mean over
    both views of a pair is below ``min_confidence`` the image adds nothing to ``loss_cot``,
    ``loss_dif`` or a gradient. Both are still divided by the number of all images, so the others
    count as before. Batch norm takes its statistics from all images.

    Args:
        views: As of :class:`mmvisx.CoTrainingClassifier`.
        min_confidence: From 0, where every image takes part, to 1.
        **kwargs: Of :class:`mmvisx.CoTrainingClassifier`.

    Raises:
        UserError: as there; ``min_confidence`` is not from 0 to 1.

    Source: not in 001, whose unlabelled images are all of known classes.
    """

    def __init__(self, views: Sequence[dict], min_confidence: float = 0.8, **kwargs: Any) -> None:
        if not 0 <= min_confidence <= 1:
            raise UserError(f'min_confidence={min_confidence!r} should be from 0 to 1')
        super().__init__(views, **kwargs)
        self.min_confidence = min_confidence

    def _kept(self, first: Tensor, second: Tensor) -> Tensor:
        surest = [scores.detach().softmax(dim=1).amax(dim=1) for scores in (first, second)]
        return (surest[0] + surest[1]) / 2 >= self.min_confidence
