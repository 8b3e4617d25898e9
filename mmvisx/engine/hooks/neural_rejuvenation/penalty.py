"""The penalty on scales that lets neurons die (001, Eq. 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from mmvisx.surgery.neural_rejuvenation import ChannelGraph
from mmvisx.surgery.neural_rejuvenation.graph import get_norm

__all__ = ['ScalePenalty', 'add_l1_gradient']


def add_l1_gradient(scales: Sequence[nn.Parameter], coefficient: float) -> None:
    """Add the gradient of ``coefficient * sum |gamma|`` (Eq. 5.3) to the scales' gradients.

    A scale without a gradient, which the optimizer will leave alone, is left alone too.
    """
    pairs = [(p.detach(), p.grad) for p in scales if p.grad is not None]
    if coefficient and pairs:
        signs = torch._foreach_sign([scale for scale, _ in pairs])
        torch._foreach_add_([gradient for _, gradient in pairs], signs, alpha=coefficient)


class ScalePenalty:
    """An L1 penalty on the scales of all free neurons, once per step of the optimizers.

    Args:
        coefficient: Returns lambda for the step to come; 0: there is no penalty.

    Source: 001, Eq. 5.3.
    """

    def __init__(self, coefficient: Callable[[], float]) -> None:
        self.coefficient = coefficient
        self.scales: dict[int, list[nn.Parameter]] = {}  # by the optimizer's id
        self._handles: list[Any] = []

    def hang(self, optimizers: Sequence[Optimizer]) -> None:
        """Hang the penalty before the optimizers' steps."""
        self._handles += [o.register_step_pre_hook(self.add) for o in optimizers]

    def take_away(self) -> None:
        """Let the optimizers step without it."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def collect(
        self, model: nn.Module, graph: ChannelGraph, optimizers: Sequence[Optimizer]
    ) -> None:
        """Find the scales of free neurons, and which optimizer trains them.

        Args:
            model: The network, not wrapped.
            graph: Its channel graph.
            optimizers: Those that train it.
        """
        scales = [get_norm(model, n).weight for g in graph.groups for n in g.norms]
        self.scales = {}
        for optimizer in optimizers:
            own = {id(p) for group in optimizer.param_groups for p in group['params']}
            self.scales[id(optimizer)] = [p for p in scales if id(p) in own]

    def add(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Add the penalty's gradient; called right before a step."""
        coefficient = self.coefficient()
        if coefficient:
            # A fused optimizer divides by the loss scale itself.
            loss_scale = getattr(optimizer, 'grad_scale', None)
            factor = 1.0 if loss_scale is None else float(loss_scale)
            add_l1_gradient(self.scales.get(id(optimizer), []), factor * coefficient)
