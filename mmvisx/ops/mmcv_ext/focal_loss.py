"""Focal losses behind the arguments of mmcv's compiled functions, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = [
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softmax_focal_loss_backward',
    'softmax_focal_loss_forward',
]


def _log(probability: Tensor) -> Tensor:
    return probability.clamp(min=torch.finfo(torch.float32).tiny).log()


def _sigmoid_loss(x: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float) -> Tensor:
    """Return the loss of each logit, ``(N, C)``."""
    p = x.sigmoid()
    classes = torch.arange(x.shape[1], device=x.device)
    positive = target[:, None] == classes
    loss = torch.where(
        positive,
        -alpha * (1 - p) ** gamma * _log(p),
        -(1 - alpha) * p**gamma * _log(1 - p),
    )
    return loss * weight[target.clamp(max=x.shape[1] - 1)][:, None] if weight.numel() else loss


def sigmoid_focal_loss_forward(
    x: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Write the loss of each logit.

    Args:
        x: Logits, ``(N, C)``.
        target: ``(N,)``, class of each row, ``C``: none.
        weight: ``(C,)``, a factor for the rows of a class, or empty.
        output: ``(N, C)``.
        gamma: Focusing exponent.
        alpha: Weight of positives, ``1 - alpha`` that of negatives.
    """
    output.copy_(_sigmoid_loss(x, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    x: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Write the derivative of each logit's loss, ``(N, C)``."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        loss = _sigmoid_loss(leaf, target, weight, gamma, alpha)
        grad_input.copy_(torch.autograd.grad(loss.sum(), leaf)[0])


def _own(softmax: Tensor, target: Tensor, weight: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Return probability and factor of each row's own class, ``(N,)``; below 0: factor 0."""
    known = target.clamp(min=0)
    factor = (target >= 0) * alpha
    return softmax.gather(1, known[:, None])[:, 0], factor * (
        weight[known] if weight.numel() else softmax.new_ones(())
    )


def softmax_focal_loss_forward(
    softmax: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Write the loss of each row.

    Args:
        softmax: Probabilities, ``(N, C)``.
        target: ``(N,)``, class of each row; below 0: no loss.
        weight: ``(C,)``, a factor for the rows of a class, or empty.
        output: ``(N,)``.
        gamma: Focusing exponent.
        alpha: Factor of all rows.
    """
    p, factor = _own(softmax, target, weight, alpha)
    output.copy_(-factor * (1 - p) ** gamma * _log(p))


def softmax_focal_loss_backward(
    softmax: Tensor,
    target: Tensor,
    weight: Tensor,
    buff: Tensor,
    grad_input: Tensor,
    gamma: float,
    alpha: float,
) -> None:
    """Write the derivative of each row's loss by its logits, ``(N, C)``; ``buff`` gets a part."""
    p, factor = _own(softmax, target, weight, alpha)
    buff.copy_(factor * (gamma * (1 - p) ** (gamma - 1) * p * _log(p) - (1 - p) ** gamma))
    classes = torch.arange(softmax.shape[1], device=softmax.device)
    grad_input.copy_(buff[:, None] * ((target[:, None] == classes).to(softmax) - softmax))
