"""Several networks that learn together from few labels and many unlabelled images.

Vocabulary: a *view* is one of the n networks. A *pair* of views learns from a *bundle* of data:
labelled images b_1 for the first, b_2 for the second, unlabelled ones b_u for both. Letters: b
labelled images of a view, m unlabelled ones, K classes. *Clean* images are those of the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmvisx.ops.co_training import jensen_shannon_loss, view_difference_loss
from mmvisx.ops.co_training_attack import (
    OWN_PREDICTION,
    Attack,
    check_step,
    fgsm,
    fgsm_of_scores,
)
from mmvisx.ops.co_training_bundles import is_labelled, mean_of_kept, pairing, split_bundles
from mmvisx.ops.co_training_gradients import differentiated, is_scaled_later
from mmvisx.registry import MODELS

from .co_training_parts import build_attack, check_arguments
from .co_training_views import Views

__all__ = ['CoTrainingClassifier']

_LOSSES = {'loss_sup', 'loss_cot', 'loss_dif'}


@MODELS.register_module()
class CoTrainingClassifier(Views):
    """Deep Co-Training of n classifiers.

    Trains on batches of :class:`mmvisx.BundleBatchSampler` with ``bundles=n // 2``. Labelled and
    unlabelled images go through a view in one forward, so batch norm takes its statistics from
    all of them; adversarial examples in another one. The views' own losses and preprocessors are
    not used: the labels' loss is the cross entropy, and all views see the images alike.

    Of several pairs each is differentiated before the next goes forward, so a step needs the memory
    of one. Not so in float16, where the optimizer's wrapper scales the sum of all losses.

    Predicts the mean probability of the views, with ``view_scores`` ``(n, K)`` for each image.

    Args:
        views: Configs of n classifiers of mmpretrain with a head that returns scores ``(N, K)``;
            their architectures may differ.
        lambda_cot: Weight of the agreement on unlabelled images, the final one.
        lambda_dif: Weight of the resistance to the other's adversarial examples; at 0 none are
            made.
        step: How far the attack moves pixels of images from 0 to 1.
        clamp: Keep adversarial examples between black and white.
        attack: Makes adversarial examples: ``'fgsm'`` with ``step`` and ``clamp``, in a forward of
            its own; ``'shared'``, which takes the gradient of the clean images' forward in
            training, batch statistics and dropout included, and saves one of a view's three
            forwards; or an :class:`~mmvisx.ops.co_training_attack.Attack`, or the config of a
            registered one.
        detach_target: See :func:`mmvisx.ops.co_training.view_difference_loss`.
        real: Pair the views anew in every step (Eq. 3.8); otherwise the first with the second,
            the third with the fourth and so on ("fake" multi-view, Eq. 3.7). Of two views
            ``real`` draws which one gets b_1.
        pairing_seed: Of the pairs, the same on all processes.
        data_preprocessor: Of all views.
        devices: Where the views learn: a list of names that they take in turns, or ``'auto'``, all
            GPUs of a training in one process. They go there when a training starts
            (:meth:`init_weights`). None: where the model is.

    Attributes:
        ramp: Factor of both weights, from 0 to 1, set by :class:`mmvisx.CoTrainingRampHook`.

    Raises:
        UserError: there are fewer than two views, or an odd number that is not paired anew; views
            have different classes, no such head, or preprocessors of their own; a weight is
            negative or the step not from 0 to 1; the attack is none; a batch is not one of bundles;
            in :meth:`init_weights`, a device is not there.

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
        attack: str | Mapping[str, Any] | Attack = 'fgsm',
        detach_target: bool = False,
        real: bool = True,
        pairing_seed: int = 0,
        data_preprocessor: dict | None = None,
        devices: str | Sequence[str] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        check_arguments(views, real, lambda_cot, lambda_dif)
        check_step(step)
        super().__init__(views, data_preprocessor, devices, init_cfg)
        self.lambda_cot, self.lambda_dif = lambda_cot, lambda_dif
        self.shares_forward = attack == 'shared'
        self.attack = build_attack(attack, partial(fgsm, step=step, clamp=clamp))
        self._attack_of_scores = partial(fgsm_of_scores, step=step, clamp=clamp, keep_graph=True)
        self.detach_target = detach_target
        self.real = real
        self.pairing_seed = pairing_seed
        self.ramp = 1.0
        # In checkpoints, so that a resumed training pairs as the uninterrupted one.
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return the terms of the loss, summed over the pairs, and what is worth logging.

        Returns:
            ``loss_sup``, ``loss_cot`` and ``loss_dif`` with their weights; ``cot`` and ``dif``
            without, means over the pairs; ``unmoved``, the share of pixels that the attack has
            left where they were.
        """
        networks = self.networks
        bundles = split_bundles(inputs, self._labels(data_samples, inputs), len(networks) // 2)
        parts = []
        for (i, j), bundle in zip(self._pairs(), bundles, strict=True):
            pair = networks[i], networks[j]
            part = self._weighted(self.pair_terms(*pair, *bundle))
            if len(bundles) > 1:
                part = _let_go(part, pair)
            parts.append(part)
        total = {name: torch.stack([part[name] for part in parts]).sum(dim=0) for name in parts[0]}
        for name in total.keys() - _LOSSES:
            total[name] = total[name].detach() / len(parts)
        return total

    def _weighted(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of a pair, and its terms as they are but for that of the labels."""
        losses = dict(loss_sup=terms.pop('sup'))
        for name, weight in (('cot', self.lambda_cot), ('dif', self.lambda_dif)):
            if name in terms:
                losses[f'loss_{name}'] = self.ramp * weight * terms[name]
        return losses | terms

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
        p_1, g_1 = self._clean_and_adversarial(first, x_1, y_1)
        p_2, g_2 = self._clean_and_adversarial(second, x_2, y_2)
        kept = self._kept(p_1[b:], p_2[b:])
        terms = dict(
            sup=self._supervised(p_1[:b], y_1[:b]) + self._supervised(p_2[:b], y_2[:b]),
            cot=mean_of_kept(jensen_shannon_loss(p_1[b:], p_2[b:]), kept),
        )
        if g_1 is not None and g_2 is not None:
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
        return self.attack(view, images, self._targets(labels), *self._range(images))

    def _clean_and_adversarial(
        self, view: nn.Module, images: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Return scores ``(N, K)`` for images, and adversarial examples if they are wanted."""
        if self.lambda_dif == 0:
            return view(images), None
        if not self.shares_forward:
            # The clean images change running statistics, so they come second.
            adversarial = self.attacked(view, images, labels)
            return view(images), adversarial
        with torch.enable_grad():
            pixels = images.detach().requires_grad_()
            scores = view(pixels)
            ends = self._range(images)
            return scores, self._attack_of_scores(scores, pixels, self._targets(labels), *ends)

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


def _let_go(part: dict[str, Tensor], pair: Sequence[nn.Module]) -> dict[str, Tensor]:
    """Return what :meth:`CoTrainingClassifier._weighted` does, without what a pair has computed.

    A view learns in one pair alone, so its gradient is the same, bit for bit.
    """
    weights = [p for network in pair for p in network.parameters() if p.requires_grad]
    if not weights or not torch.is_grad_enabled() or is_scaled_later(weights):
        return part
    names = [name for name in part if name in _LOSSES]
    losses = differentiated([part[name] for name in names], weights)
    rest = {name: value.detach() for name, value in part.items() if name not in _LOSSES}
    return dict(zip(names, losses, strict=True)) | rest
