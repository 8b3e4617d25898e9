"""Train a stacked autoencoder pair after pair, then as a whole (000, 3.3.2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from mmvisx.registry import LOOPS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import modes_kept, unwrap

from .step_loop import StepLoop

__all__ = ['GreedyLoop']

# Points that go through the finished pairs at a time.
_CHUNK = 4096


@LOOPS.register_module()
class GreedyLoop(StepLoop):
    """Stage i trains pair i on what the finished pairs below give; the last stage trains all.

    Finished pairs get no gradient and do not change. What they give is computed once a stage for
    all points, without dropout, and kept where there is room; every stage begins with an empty
    memory of the optimizer. Schedules: :class:`mmvisx.StageStepLR`, :class:`mmvisx.StageMomentum`.

    Args:
        stages: Iterations of each pair, and of the whole.
        cache_limit: Bytes of kept features; of more, they are computed batch by batch.
        **kwargs: Of MMEngine's ``IterBasedTrainLoop`` but ``max_iters``, which is their sum.

    Attributes:
        features: What the finished pairs give for all points, ``(n, channels[pair])``, if kept.

    Raises:
        UserError: The model has no pairs, or another number of them; a stage is below 1.

    Source: 000, 3.3.2 and 3.4.3.
    """

    def __init__(
        self, runner: Any, dataloader: Any, stages: Sequence[int], cache_limit: int = 2**31,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        pairs = getattr(unwrap(runner.model), 'num_pairs', None)
        if pairs is None:
            raise UserError(
                f'GreedyLoop: {type(unwrap(runner.model)).__name__} has no pairs to train one '
                'after another; it is for mmvisx.StackedAutoencoder'
            )
        if len(stages) != pairs + 1 or min(stages) < 1:
            raise UserError(
                f'stages={list(stages)} of GreedyLoop: the autoencoder has {pairs} pairs, so it '
                f'needs {pairs + 1} numbers from 1 on: iterations of each pair, and of the whole'
            )
        super().__init__(runner, dataloader, max_iters=sum(stages), **kwargs)
        self.starts, self.ends = [0, *accumulate(stages[:-1])], list(accumulate(stages))
        self.cache_limit = cache_limit
        self.features: Tensor | None = None
        self._stage: int | None = None
        self._serves = False  # the data set gives features in the place of points

    def step(self, data_batch: Any) -> Mapping[str, Any]:
        """Do one step of the stage that this iteration belongs to."""
        stage = bisect_right(self.ends, self._iter)
        if stage != self._stage:
            self._begin(stage)
            # It was read before, for the stage that has ended.
            data_batch = self.dataloader.dataset.__getitems__(data_batch['indices'].tolist())
        if stage in range(1, len(self.ends) - 1) and not self._serves:
            data_batch = dict(data_batch, inputs=self._inputs(data_batch))
        return super().step(data_batch)

    def _begin(self, stage: int) -> None:
        model = unwrap(self.runner.model)
        self._stage, whole = stage, stage == model.num_pairs
        model.pair = None if whole else stage
        model.requires_grad_(whole)
        if not whole:
            model.encoder.layers[stage].requires_grad_(True)
            model.decoder[stage].requires_grad_(True)
        if self._iter == self.starts[stage]:  # not where a run goes on inside a stage
            self.runner.optim_wrapper.optimizer.state.clear()
            for parameter in model.parameters():
                parameter.grad = None
        dataset = self.dataloader.dataset
        if self._serves:
            dataset.features = None
        self.features, self._serves = None, False
        size = 4 * len(dataset) * model.encoder.channels[stage] if stage > 0 and not whole else 0
        if size and size <= self.cache_limit:
            rows = torch.arange(len(dataset)).split(_CHUNK)
            self.features = torch.cat([self._below(dataset.read(part.numpy())) for part in rows])
            # The points need not be read any more. Workers have a data set of their own.
            self._serves = not self.dataloader.num_workers and hasattr(dataset, 'features')
            if self._serves:
                dataset.features = self.features
        name = 'all pairs together' if whole else f'pair {stage + 1} of {model.num_pairs}'
        self.runner.logger.info(f'{name}: iterations {self._iter + 1} to {self.ends[stage]}')

    def _inputs(self, data_batch: Any) -> Tensor:
        if self.features is not None:
            return self.features[data_batch['indices']]
        return self._below(data_batch['inputs'])

    @torch.no_grad()
    def _below(self, points: Any) -> Tensor:
        """Return what the finished pairs give for points ``(N, d)``, in main memory."""
        model = unwrap(self.runner.model)
        device = next(model.parameters()).device
        with modes_kept(model):
            model.eval()
            inputs = torch.as_tensor(points).to(device)
            return model.encoder(inputs, self._stage).cpu()
