"""Several networks that learn together from few labels and many unlabelled images.

Vocabulary: a *view* is one of the n networks. A *pair* of views learns from a *bundle* of data:
labelled images b_1 for the first, b_2 for the second, unlabelled ones b_u for both. Letters: b
labelled images of a view, m unlabelled ones, K classes. *Clean* images are those of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel, ModuleList
from mmpretrain.models.classifiers.base import BaseClassifier
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmvisx.ops.co_training import jensen_shannon_loss, view_difference_loss
from mmvisx.ops.co_training_attack import OWN_PREDICTION, Attack, check_step, fgsm
from mmvisx.ops.co_training_bundles import is_labelled, mean_of_kept, pairing, split_bundles
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['CoTrainingClassifier', 'check_classes', 'check_no_preprocessor']


@MODELS.register_module()
class CoTrainingClassifier(BaseModel):
    """Deep Co-Training of n classifiers.

    Trains on batches of :class:`mmvisx.BundleBatchSampler` with ``bundles=n // 2``. Labelled and
    unlabelled images go through a view in one forward, so batch norm takes its statistics from
    all of them; adversarial examples in another one. The views' own losses and preprocessors are
    not used: the labels' loss is the cross entropy, and all views see the images alike.

    Predicts the mean probability of the views, with ``view_scores`` ``(n, K)`` for each image.

    Args:
        views: Configs of n classifiers of mmpretrain with a head that returns scores ``(N, K)``;
            their architectures may differ.
        lambda_cot: Weight of the agreement on unlabelled images, the final one.
        lambda_dif: Weight of the resistance to the other's adversarial examples; at 0 none are
            made.
        step: How far the attack moves pixels of images from 0 to 1.
        clamp: Keep adversarial examples between black and white.
        attack: Makes adversarial examples; by default ``fgsm`` with ``step`` and ``clamp``.
        detach_target: See :func:`mmvisx.ops.co_training.view_difference_loss`.
        real: Pair the views anew in every step (Eq. 3.8); otherwise the first with the second,
            the third with the fourth and so on ("fake" multi-view, Eq. 3.7). Of two views
            ``real`` draws which one gets b_1.
        pairing_seed: Of the pairs, the same on all processes.
        data_preprocessor: Of all views.

    Attributes:
        ramp: Factor of both weights, from 0 to 1, set by :class:`mmvisx.CoTrainingRampHook`.

    Raises:
        UserError: there are fewer than two views, or an odd number that is not paired anew; views
            have different classes, no such head, or preprocessors of their own; a weight is
            negative or the step not from 0 to 1; a batch is not one of bundles.

    Source: 001, Eq. 3.6 to 3.8 and Algorithm 1.
    """

    steps: Tensor
    preprocessor: ClassVar[str] = 'mmpretrain.ClsDataPreprocessor'

    def __init__(
        self,
        views: Sequence[dict],
        lambda_cot: float = 10.0,
        lambda_dif: float = 0.5,
        step: float = 0.02,
        clamp: bool = False,
        attack: Attack | None = None,
        detach_target: bool = False,
        real: bool = True,
        pairing_seed: int = 0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        preprocessor = dict(type=self.preprocessor) | dict(data_preprocessor or {})
        super().__init__(data_preprocessor=preprocessor, init_cfg=init_cfg)
        _check_arguments(views, real, lambda_cot, lambda_dif)
        check_step(step)
        # MMEngine's list, which asks each view for its init_cfg
        self.views = ModuleList(self._build_views(views))
        self.lambda_cot, self.lambda_dif = lambda_cot, lambda_dif
        self.attack = attack or partial(fgsm, step=step, clamp=clamp)
        self.detach_target = detach_target
        self.real = real
        self.pairing_seed = pairing_seed
        self.ramp = 1.0
        # In checkpoints, so that a resumed training pairs as the uninterrupted one.
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    def forward(
        self, inputs: Tensor, data_samples: list[DataSample] | None = None, mode: str = 'tensor'
    ) -> Any:
        """Train on a batch of bundles, or predict.

        Args:
            inputs: Normalised images, ``(N, C, H, W)``; for ``'loss'`` ``[b_1, b_2, b_u]`` of
                bundle after bundle.
            data_samples: With ``gt_label``, below 0 for unlabelled images.
            mode: ``'loss'``; ``'predict'``: samples with ``pred_score`` ``(K,)``, ``pred_label``
                and ``view_scores`` ``(n, K)``; ``'tensor'``: mean probabilities ``(N, K)``.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'tensor':
            return self.probabilities(inputs).mean(dim=1)
        return self.predict(inputs, data_samples)

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Return what each view says of images ``(N, C, H, W)``, ``(N, n, K)``."""
        return torch.stack([network(inputs).softmax(dim=1) for network in self.networks], dim=1)

    def predict(self, inputs: Tensor, data_samples: list[DataSample] | None = None) -> Any:
        """Fill in the samples of images ``(N, C, H, W)``, see :meth:`forward`."""
        samples = data_samples or [DataSample() for _ in inputs]
        for sample, each in zip(samples, self.probabilities(inputs), strict=True):
            mean = each.mean(dim=0)
            sample.set_pred_score(mean).set_pred_label(mean.argmax(dim=0, keepdim=True))
            sample.set_field(each, 'view_scores')
        return samples

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return the terms of the loss, summed over the pairs, and what is worth logging.

        Returns:
            ``loss_sup``, ``loss_cot`` and ``loss_dif`` with their weights; ``cot`` and ``dif``
            without, means over the pairs; ``unmoved``, the share of pixels that the attack has
            left where they were.
        """
        networks = self.networks
        bundles = split_bundles(inputs, self._labels(data_samples, inputs), len(networks) // 2)
        terms = [
            self.pair_terms(networks[i], networks[j], *bundle)
            for (i, j), bundle in zip(self._pairs(), bundles, strict=True)
        ]
        total = {name: torch.stack([t[name] for t in terms]).sum(dim=0) for name in terms[0]}
        weights = dict(cot=self.ramp * self.lambda_cot, dif=self.ramp * self.lambda_dif)
        losses = dict(loss_sup=total.pop('sup'))
        for name in weights.keys() & total.keys():
            losses[f'loss_{name}'] = weights[name] * total[name]
        logged = {name: value.detach() / len(terms) for name, value in total.items()}
        return losses | logged

    def pair_terms(
        self, first: nn.Module, second: nn.Module, x_1: Tensor, x_2: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms of Algorithm 1 for two views, without their weights.

        Args:
            first: The view p_1, one of :attr:`networks`.
            second: The view p_2.
            x_1: ``[b_1, b_u]``, ``(b + m, C, H, W)``.
            x_2: ``[b_2, b_u]``, ``(b + m, C, H, W)``.
            labels: Of ``x_1`` and ``x_2``, ``(2, b + m)``; the last m are below 0.
        """
        y_1, y_2 = labels
        b = int(is_labelled(y_1).sum())
        attacked = self.lambda_dif > 0
        if attacked:
            g_1, g_2 = self.attacked(first, x_1, y_1), self.attacked(second, x_2, y_2)
        p_1, p_2 = first(x_1), second(x_2)
        kept = self._kept(p_1[b:], p_2[b:])
        terms = dict(
            sup=self._supervised(p_1[:b], y_1[:b]) + self._supervised(p_2[:b], y_2[:b]),
            cot=mean_of_kept(jensen_shannon_loss(p_1[b:], p_2[b:]), kept),
        )
        if attacked:
            difference = partial(view_difference_loss, detach_target=self.detach_target)
            terms['dif'] = mean_of_kept(difference(p_1, second(g_1)), kept)
            terms['dif'] = terms['dif'] + mean_of_kept(difference(p_2, first(g_2)), kept)
            unmoved = (g_1 == x_1).float().mean() + (g_2 == x_2).float().mean()
            terms['unmoved'] = unmoved / 2
        return terms

    def attacked(self, view: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """Return adversarial examples of a view, ``(N, C, H, W)``; the view stays as it was.

        Args:
            view: One of :attr:`networks`.
            images: Normalised, ``(N, C, H, W)``.
            labels: ``(N,)``, below 0 for unlabelled images: what the view takes them for.
        """
        preprocessor: Any = self.data_preprocessor
        black, white = images.new_tensor(0.0), images.new_tensor(255.0)
        if preprocessor._enable_normalize:
            black = (black - preprocessor.mean) / preprocessor.std
            white = (white - preprocessor.mean) / preprocessor.std
        return self.attack(view, images, self._targets(labels), black, white)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The views, each as a network that gives scores ``(N, K)`` of images."""
        return list(self.views)

    def _build_views(self, configs: Sequence[dict]) -> list[Any]:
        views = [_build_view(i, config) for i, config in enumerate(configs)]
        check_classes([view.head.num_classes for view in views])
        return views

    @staticmethod
    def _labels(data_samples: list[DataSample], inputs: Tensor) -> Tensor:
        """Return the classes of images, ``(N,)``, below 0 for unlabelled ones."""
        return torch.cat([sample.gt_label for sample in data_samples]).to(inputs.device)

    @staticmethod
    def _supervised(scores: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of labelled images."""
        return F.cross_entropy(scores, labels)

    @staticmethod
    def _targets(labels: Tensor) -> Tensor:
        """Return which class the attack is to hide."""
        return labels.where(labels >= 0, OWN_PREDICTION)

    def _kept(self, first: Tensor, second: Tensor) -> Tensor | None:
        """Return 1 for unlabelled images that take part and 0 for others, ``(m,)``; here all do.

        Args:
            first: Scores of the one view, ``(m, K)``.
            second: Of the other.
        """
        return None

    def _pairs(self) -> list[tuple[int, int]]:
        n = len(self.views)
        if not self.real:
            return [(i, i + 1) for i in range(0, n, 2)]
        step = int(self.steps)
        self.steps += 1
        return pairing(n, self.pairing_seed, step)


def check_classes(classes: list[int]) -> None:
    """Raise a :class:`UserError` where views have different numbers of classes."""
    if len(set(classes)) > 1:
        raise UserError(f'views have different numbers of classes: {classes}')


def check_no_preprocessor(index: int, config: dict) -> None:
    """Raise a :class:`UserError` where a view has a preprocessor of its own."""
    if config.get('data_preprocessor') is not None:
        raise UserError(
            f'view {index} has a data_preprocessor of its own: give one to the whole model, which '
            'is used for all views'
        )


def _check_arguments(
    views: Sequence[dict], real: bool, lambda_cot: float, lambda_dif: float
) -> None:
    n = len(views)
    if n < 2:
        raise UserError(f'co-training needs at least 2 views, not {n}')
    if n % 2 and not real:
        raise UserError(f'{n} views cannot be fixed pairs: give an even number, or real=True')
    for name, value in (('lambda_cot', lambda_cot), ('lambda_dif', lambda_dif)):
        if not value >= 0:
            raise UserError(f'{name}={value!r} should be 0 or more')


def _build_view(index: int, config: dict) -> Any:
    check_no_preprocessor(index, config)
    view = MMPRETRAIN_MODELS.build(config)
    head = getattr(view, 'head', None)
    if not isinstance(view, BaseClassifier) or not hasattr(head, 'num_classes'):
        raise UserError(
            f'view {index}, {config.get("type")}, is no classifier whose head has num_classes'
        )
    return view
