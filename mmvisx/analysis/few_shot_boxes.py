"""How predicted weights are brought to the range of a detector's learnt ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils.errors import UserError

__all__ = ['BoxFit', 'fit_boxes']

# Regions of a bank that are looked at, at most.
_ROWS = 20_000


class BoxFit(NamedTuple):
    """What a new logit is made with (:class:`~mmvisx.models.heads.few_shot_boxes.TaughtBoxes`).

    Attributes:
        centre: ``(d,)``, half-way between the mean of the large classes' means and background.
        scale: ``()``.
        bias: ``()``.
    """

    centre: Tensor
    scale: Tensor
    bias: Tensor


class _Task(NamedTuple):
    """A large class that is treated as new: what its samples answer, and what they compete with."""

    responses: Tensor  # (n,)
    rivals: Tensor  # (n,) log of the sum of exponents of all other classes' logits
    own: Tensor  # (n,) 1 for regions of the class


@torch.no_grad()
def _tasks(
    activations: Tensor,
    labels: Tensor,
    logits: Tensor,
    predictor: ParameterPredictor,
    few: str,
    shots: int,
    draws: int,
    rng: np.random.Generator,
) -> list[_Task]:
    tasks = []
    for k in range(logits.shape[1] - 1):
        own = (labels == k).nonzero()[:, 0]
        if len(own) <= shots:
            continue
        others = logits.clone()
        others[:, k] = -torch.inf
        rivals = others.logsumexp(dim=1)
        for _ in range(draws):
            support = own[torch.from_numpy(rng.permutation(len(own))[:shots])]
            samples = activations[support]
            weights = predictor(samples.mean(dim=0, keepdim=True) if few == 'mean' else samples)
            rest = torch.ones(len(labels), dtype=torch.bool)
            rest[support] = False
            rows = rest.nonzero()[:, 0]
            answers = (activations[rows] @ weights.T).amax(dim=1)
            tasks.append(_Task(answers, rivals[rows], (labels[rows] == k).float()))
    return tasks


def fit_boxes(
    bank: ActivationBank,
    learnt: nn.Module,
    predictor: ParameterPredictor,
    few: str = 'mean',
    shots: int = 3,
    draws: int = 4,
    seed: int = 0,
) -> BoxFit:
    """Fit scale and bias on large classes that are treated as new.

    Each large class in turn loses its learnt row and is predicted from ``shots`` of its boxes. With
    the other rows as they are, the cross-entropy of the softmax over all classes and background
    is, up to what does not depend on the new logit f, a logistic regression of "is of the class" on
    f with the log-sum-exp of the others as an offset; it is convex.

    Args:
        bank: Of the detector's training boxes, the background last.
        learnt: The detector's last layer, activations ``(n, d)`` to logits ``(n, L + 1)``.
        predictor: The map from statistics to weights.
        few: See :class:`mmvisx.PredictedHead`.
        shots: Boxes of a new class.
        draws: Of its boxes, for each class.
        seed: Of the draws.

    Raises:
        UserError: No class has more than ``shots`` boxes.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(bank))[:_ROWS])
    activations = torch.from_numpy(bank.read(chosen))
    labels = torch.from_numpy(bank.labels[chosen])
    with torch.no_grad():
        logits = learnt(activations)
    means = torch.from_numpy(bank.means).float()
    centre = (means[:-1].mean(dim=0) + means[-1]) / 2
    tasks = _tasks(activations - centre, labels, logits, predictor, few, shots, draws, rng)
    if not tasks:
        raise UserError(f'no class of {bank.folder} has more than {shots} boxes: too few to fit on')
    length = activations.norm(dim=1).mean()
    # Of a size like the bias's: activations are divided by their mean length
    scale = torch.ones((), requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, bias], max_iter=100, line_search_fn='strong_wolfe')

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = [
            F.binary_cross_entropy_with_logits(
                scale * task.responses / length + bias - task.rivals, task.own
            )
            for task in tasks
        ]
        total = torch.stack(found).mean()
        total.backward()
        return total

    optimizer.step(loss)
    return BoxFit(centre, scale.detach() / length, bias.detach())
