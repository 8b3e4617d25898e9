"""Several networks that learn together from few labels and many unlabelled images.

Vocabulary: a *view* is one of the n networks. A *pair* of views learns from a *bundle* of data:
labelled images b_1 for the first, b_2 for the second, unlabelled ones b_u for both. Letters: b
labelled images of a view, m unlabelled ones, K classes. *Clean* images are those of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmpretrain.models.classifiers.base import BaseClassifier
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmvisx.ops.co_training import jensen_shannon_loss, view_difference_loss
from mmvisx.ops.co_training_attack import OWN_PREDICTION, Attack, check_step, fgsm
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['CoTrainingClassifier', 'pairing']


def pairing(views: int, seed: int, step: int) -> list[tuple[int, int]]:
    """Return which views learn together in a step, drawn from seed and step alone.

    Of an odd number one view is left out. Within a pair the order is drawn as well; the first
    gets b_1.

    Source: 001, Eq. 3.8.
    """
    order = np.random.default_rng([seed, step]).permutation(views).tolist()
    return list(zip(order[::2], order[1::2], strict=False))


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
        preprocessor = dict(type='mmpretrain.ClsDataPreprocessor') | dict(data_preprocessor or {})
        super().__init__(data_preprocessor=preprocessor, init_cfg=init_cfg)
        _check_arguments(views, real, lambda_cot, lambda_dif)
        check_step(step)
        built = [_build_view(i, config) for i, config in enumerate(views)]
        classes = [view.head.num_classes for view in built]
        if len(set(classes)) > 1:
            raise UserError(f'views have different numbers of classes: {classes}')
        self.views = nn.ModuleList(built)
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
        scores = torch.stack([view(inputs, mode='tensor').softmax(dim=1) for view in self.views], 1)
        if mode == 'tensor':
            return scores.mean(dim=1)
        samples = data_samples or [DataSample() for _ in inputs]
        for sample, each in zip(samples, scores, strict=True):
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
        labels = torch.cat([sample.gt_label for sample in data_samples]).to(inputs.device)
        bundles = _split(inputs, labels, len(self.views) // 2)
        terms = [
            self.pair_terms(self.views[i], self.views[j], *bundle)
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
            first: The view p_1.
            second: The view p_2.
            x_1: ``[b_1, b_u]``, ``(b + m, C, H, W)``.
            x_2: ``[b_2, b_u]``, ``(b + m, C, H, W)``.
            labels: Of ``x_1`` and ``x_2``, ``(2, b + m)``; the last m are below 0.
        """
        y_1, y_2 = labels
        b = int((y_1 >= 0).sum())
        attacked = self.lambda_dif > 0
        if attacked:
            g_1, g_2 = self.attacked(first, x_1, y_1), self.attacked(second, x_2, y_2)
        p_1, p_2 = first(x_1, mode='tensor'), second(x_2, mode='tensor')
        terms = dict(
            sup=F.cross_entropy(p_1[:b], y_1[:b]) + F.cross_entropy(p_2[:b], y_2[:b]),
            cot=jensen_shannon_loss(p_1[b:], p_2[b:]).mean(),
        )
        if attacked:
            difference = partial(view_difference_loss, detach_target=self.detach_target)
            terms['dif'] = (
                difference(p_1, second(g_1, mode='tensor')).mean()
                + difference(p_2, first(g_2, mode='tensor')).mean()
            )
            unmoved = (g_1 == x_1).float().mean() + (g_2 == x_2).float().mean()
            terms['unmoved'] = unmoved / 2
        return terms

    def attacked(self, view: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """Return adversarial examples of a view, ``(N, C, H, W)``; the view stays as it was.

        Args:
            view: One of the views.
            images: Normalised, ``(N, C, H, W)``.
            labels: ``(N,)``, below 0 for unlabelled images: what the view takes them for.
        """
        preprocessor: Any = self.data_preprocessor
        black, white = images.new_tensor(0.0), images.new_tensor(255.0)
        if preprocessor._enable_normalize:
            black = (black - preprocessor.mean) / preprocessor.std
            white = (white - preprocessor.mean) / preprocessor.std
        targets = labels.where(labels >= 0, OWN_PREDICTION)
        return self.attack(view, images, targets, black, white)

    def _pairs(self) -> list[tuple[int, int]]:
        n = len(self.views)
        if not self.real:
            return [(i, i + 1) for i in range(0, n, 2)]
        step = int(self.steps)
        self.steps += 1
        return pairing(n, self.pairing_seed, step)


def _split(inputs: Tensor, labels: Tensor, bundles: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Cut a batch into ``[b_1, b_u]``, ``[b_2, b_u]`` and both labels of every bundle.

    Raises:
        UserError: the batch is not one of so many bundles.
    """
    size, rest = divmod(len(labels), bundles)
    known = labels >= 0
    b = int(known[:size].sum()) // 2
    wanted = torch.arange(size, device=labels.device) < 2 * b
    if rest or not 0 < 2 * b < size or not torch.equal(known, wanted.repeat(bundles)):
        raise UserError(
            f'a batch of {len(labels)} images is not made of {bundles} bundles, as many as the '
            'model has pairs of views: set train_dataloader.batch_sampler=dict(type='
            f"'mmvisx.BundleBatchSampler', bundles={bundles})"
        )
    found = []
    for x, y in zip(inputs.split(size), labels.split(size), strict=True):
        first = [*range(b), *range(2 * b, size)]
        second = list(range(b, size))
        found.append((x[first], x[second], torch.stack([y[first], y[second]])))
    return found


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
    if config.get('data_preprocessor') is not None:
        raise UserError(
            f'view {index} has a data_preprocessor of its own: give one to the whole model, which '
            'is used for all views'
        )
    view = MMPRETRAIN_MODELS.build(config)
    head = getattr(view, 'head', None)
    if not isinstance(view, BaseClassifier) or not hasattr(head, 'num_classes'):
        raise UserError(
            f'view {index}, {config.get("type")}, is no classifier whose head has num_classes'
        )
    return view
