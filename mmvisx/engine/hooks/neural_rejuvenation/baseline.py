"""The baseline with cross attention, to tell what that alone brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.runner import Runner

from mmvisx.engine.architecture import averages_of, optimizers_of, refresh_runner
from mmvisx.registry import HOOKS
from mmvisx.surgery.neural_rejuvenation import ChannelGraph
from mmvisx.surgery.neural_rejuvenation.plan import apply_plan, make_plan
from mmvisx.surgery.neural_rejuvenation.search import split_graph
from mmvisx.surgery.optimizer import update_optimizer
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

from .hook import NeuralRejuvenationHook

__all__ = ['CrossAttentionBaselineHook']


@HOOKS.register_module()
class CrossAttentionBaselineHook(NeuralRejuvenationHook):
    """Train a network with cross attention between two parts of its neurons from the start.

    Nothing is penalised or rejuvenated. Before the first iteration all convolutions between
    free neurons become :class:`CrossAttentionConv2d` with the weights they have; checkpoints
    hold the architecture as those of a rejuvenated network.

    Args:
        share: Part of each layer's neurons that takes the place of the rejuvenated ones,
            between 0 and 1.
        input_shape: ``(C, H, W)`` to trace with; by default that of the first batch.

    Raises:
        UserError: the share is out of range.

    Source: 001, Table 5-I, "BL-CA". The document does not say how the neurons are split; here
    each half is one part.
    """

    def __init__(self, share: float = 0.5, input_shape: Sequence[int] | None = None) -> None:
        if not 0 < share < 1:
            raise UserError(f'share={share} of CrossAttentionBaselineHook is not between 0 and 1')
        super().__init__(num_rejuvenations=0, variant='NR-CA', input_shape=input_shape)
        self.share = share

    def _trace(self, runner: Runner, data_batch: Any) -> ChannelGraph:
        graph = super()._trace(runner, data_batch)
        new = split_graph(graph, self.share)
        model = unwrap(runner.model)
        everything = [torch.ones(group.width, dtype=torch.bool) for group in graph.groups]
        plan = make_plan(model, old=graph, new=new, alive=everything, seed=None)
        changes = apply_plan(plan, model)
        for average in averages_of(runner):
            apply_plan(plan, average)
        for optimizer in optimizers_of(runner):
            update_optimizer(optimizer, changes)
        refresh_runner(runner)
        return new
