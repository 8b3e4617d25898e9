"""Losses that are differentiated before they are handed on.

MMEngine goes backward once, from the sum of all losses. Networks that share nothing would keep
their activations for it until the last of them has gone forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['differentiated', 'is_scaled_later']


def differentiated(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    """Return the same losses, with the gradient of their sum computed and their graph let go.

    The backward pass from what is returned gives the weights that gradient, times whatever the
    losses have been multiplied with since; it gives nothing to anything else that the losses
    depend on, and cannot be differentiated again.

    Args:
        losses: Each ``()``. All of them have to be multiplied with the same number.
        weights: Leaves that require a gradient, ``(...)``.

    Raises:
        UserError: in the backward pass, the losses were not multiplied with the same number.
    """
    with ExitStack() as stack:
        for kind in {weight.device.type for weight in weights}:
            # As of a backward pass, which comes after the forward's autocast
            stack.enter_context(torch.autocast(kind, enabled=False))
        total = torch.stack(list(losses)).sum()
        gradients = torch.autograd.grad(total, weights, allow_unused=True)
    found = [(w, g) for w, g in zip(weights, gradients, strict=True) if g is not None]
    values = [loss.detach() for loss in losses]
    return list(_Differentiated.apply(len(losses), *values, *(x for one in found for x in one)))


def is_scaled_later(weights: Sequence[Tensor]) -> bool:
    """Return whether the forward pass is in float16, where losses are scaled before the backward.

    Without the factor, which only the optimizer's wrapper knows, small gradients would be 0.

    Args:
        weights: What the networks learn, tensors ``(...)`` of any shape.
    """
    kinds = {weight.device.type for weight in weights}
    return any(
        torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
        for kind in kinds
    )


class _Differentiated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, count: int, *given: Tensor) -> tuple[Tensor, ...]:
        ctx.count = count
        ctx.save_for_backward(*given[count + 1 :: 2])
        return tuple(loss.clone() for loss in given[:count])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *factors: Tensor) -> tuple[Tensor | None, ...]:
        if any(not torch.equal(factor, factors[0]) for factor in factors):
            raise UserError(
                f'losses of several pairs of views, weighted by {[float(f) for f in factors]}: '
                'they are differentiated together, so give all the same weight and set lambda_cot '
                'and lambda_dif instead'
            )
        found: list[Tensor | None] = []
        for gradient in ctx.saved_tensors:
            found += [gradient * factors[0].to(gradient.device), None]
        return (None, *[None] * ctx.count, *found)
