"""What co-training is compared with: the same networks on the same images, joined by nothing.

Vocabulary of :mod:`.co_training`. The *twin* of an image is the same image, augmented anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import MomentumAnnealingEMA
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmvisx.ops.co_training_bundles import is_labelled, split_bundles
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .co_training import CoTrainingClassifier

__all__ = ['MeanTeacher', 'PiModel', 'SupervisedViews']


@MODELS.register_module()
class SupervisedViews(CoTrainingClassifier):
    """n classifiers that learn side by side from labelled images alone.

    What co-training has to beat: for images of :class:`mmvisx.LabelledImages`, of which each
    view gets its part of a batch. Predicts like a :class:`mmvisx.CoTrainingClassifier`.

    Args:
        views: Configs of the n classifiers.
        data_preprocessor: Of all views.

    Raises:
        UserError: a batch has an unlabelled image, or cannot be cut into n equal parts.

    Source: 001, Eq. 3.3 alone.
    """

    def __init__(
        self,
        views: Sequence[dict],
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(views, 0.0, 0.0, data_preprocessor=data_preprocessor, init_cfg=init_cfg)

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return ``loss_sup``, the sum of the views' cross entropies.

        Args:
            inputs: Labelled images, ``(n N, C, H, W)``, N for each view.
            data_samples: With ``gt_label``.
        """
        labels = self._labels(data_samples, inputs)
        n = len(self.views)
        if len(labels) % n or (labels < 0).any():
            raise UserError(
                f'a batch of {len(labels)} images, {int((labels < 0).sum())} of them unlabelled, '
                f'for {n} views that learn from labels alone: take mmvisx.LabelledImages, '
                f'drop_last=True and a batch_size that is a multiple of {n}'
            )
        parts = zip(self.views, inputs.chunk(n), labels.chunk(n), strict=True)
        losses = [F.cross_entropy(view(x), y) for view, x, y in parts]
        return dict(loss_sup=torch.stack(losses).sum())


@MODELS.register_module()
class PiModel(CoTrainingClassifier):
    """n classifiers side by side, each of which agrees with itself on an image and its twin.

    The loss of each is the cross entropy of labels and ``ramp * weight`` times the mean squared
    difference of its probabilities for the images and for their twins, over images and classes;
    both sides get a gradient. Needs ``BundleBatchSampler(twins=True)``, and an augmentation or
    dropout, without which there is no difference.

    Laine and Aila divide the labels' loss by all images of a batch and give the other the weight
    100 times the labelled share; with the labels' mean, as here, that is 100.

    Args:
        views: Configs of the n classifiers, an even number.
        weight: Of the difference, after the ramp.
        data_preprocessor: Of all views.

    Raises:
        UserError: as of :class:`mmvisx.CoTrainingClassifier`; a batch has no twins.

    Source: Laine and Aila, "Temporal Ensembling for Semi-Supervised Learning", Algorithm 1; a row
    of 001, Tables 3-I and 3-II.
    """

    def __init__(
        self,
        views: Sequence[dict],
        weight: float = 100.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            views, weight, 0.0, real=False, data_preprocessor=data_preprocessor, init_cfg=init_cfg
        )

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return ``loss_sup``, ``loss_con`` with its weight, ``con``: their mean over the views.

        The losses are sums over the views.

        Args:
            inputs: Bundles and those of their twins, ``(N, C, H, W)``.
            data_samples: With ``gt_label``, below 0 for unlabelled images.
        """
        labels = self._labels(data_samples, inputs)
        sup, con = zip(*self._terms(inputs, labels), strict=True)
        difference = torch.stack(con)
        return dict(
            loss_sup=torch.stack(sup).sum(),
            loss_con=self.ramp * self.lambda_cot * difference.sum(),
            con=difference.detach().mean(),
        )

    def _terms(self, inputs: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each view's cross entropy and its difference between images and twins."""
        bundles = split_bundles(inputs, labels, len(self.views))
        half = len(bundles) // 2
        for k, (one, other) in enumerate(zip(bundles[:half], bundles[half:], strict=True)):
            if not torch.equal(one[2], other[2]):
                raise UserError(
                    'the second half of the batch has other labels than the first: set '
                    'train_dataloader.batch_sampler.twins=True'
                )
            for i in (0, 1):
                x, twin, y = one[i], other[i], one[2][i]
                scores = self.views[2 * k + i](x)
                known = is_labelled(y)
                target = self.of_twins(2 * k + i, twin).softmax(dim=1)
                yield (
                    F.cross_entropy(scores[known], y[known]),
                    F.mse_loss(scores.softmax(dim=1), target),
                )

    def of_twins(self, index: int, twins: Tensor) -> Tensor:
        """Return the scores ``(N, K)`` of the twins ``(N, C, H, W)`` that a view is to reach."""
        scores: Tensor = self.views[index](twins)
        return scores


class _Teacher(MomentumAnnealingEMA):
    """MMEngine's average, which would copy the classifier's batch norm statistics as well."""

    def update_parameters(self, model: nn.Module) -> None:
        """Move the weights towards those of the classifier."""
        own = [buffer.clone() for buffer in self.module.buffers()]
        super().update_parameters(model)
        for buffer, value in zip(self.module.buffers(), own, strict=True):
            buffer.copy_(value)


@MODELS.register_module()
class MeanTeacher(PiModel):
    """n classifiers side by side, each of which agrees with the average of its own past.

    As :class:`mmvisx.PiModel`, but the twins go through a teacher, whose weights are MMEngine's
    exponential average of the classifier's, without a gradient; batch norm's statistics are its
    own. The teachers predict. They follow at the beginning of a step, so what is evaluated lacks
    the last step's update.

    Args:
        views: Configs of the n classifiers, an even number.
        weight: Of the difference, after the ramp.
        momentum: Share of a step's weights in the average; in the first steps 1 / (steps + 1) is
            larger and counts.
        data_preprocessor: Of all views.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", section 2; a row of 001,
    Tables 3-I and 3-III.
    """

    def __init__(
        self,
        views: Sequence[dict],
        weight: float = 100.0,
        momentum: float = 0.001,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(views, weight, data_preprocessor, init_cfg)
        self.teachers = nn.ModuleList(_Teacher(view, momentum, gamma=1) for view in self.views)

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Return what each teacher says of images ``(N, C, H, W)``, ``(N, n, K)``."""
        return torch.stack([teacher(inputs).softmax(dim=1) for teacher in self.teachers], dim=1)

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Let the teachers follow, and return what :meth:`PiModel.loss` does.

        Args:
            inputs: Bundles and those of their twins, ``(N, C, H, W)``.
            data_samples: With ``gt_label``.
        """
        teachers: Iterable[Any] = self.teachers
        for teacher, view in zip(teachers, self.views, strict=True):
            teacher.update_parameters(view)
        return super().loss(inputs, data_samples)

    @torch.no_grad()
    def of_twins(self, index: int, twins: Tensor) -> Tensor:
        """Return the teacher's scores ``(N, K)`` of the twins ``(N, C, H, W)``."""
        scores: Tensor = self.teachers[index](twins)
        return scores
