"""Neural rejuvenation: find dead neurons during training and bring them back where needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.optim import Optimizer

from mmvisx.engine.architecture import averages_of, optimizers_of, refresh_runner
from mmvisx.engine.hooks.architecture import ArchitectureHook
from mmvisx.engine.hooks.neural_rejuvenation.training import (
    Restart,
    batch_shape,
    between_steps,
    describe,
    describe_mix,
    log_state,
    same_everywhere,
)
from mmvisx.registry import HOOKS
from mmvisx.surgery.neural_rejuvenation.architecture import REJUVENATED
from mmvisx.surgery.neural_rejuvenation.graph import ChannelGraph, get_norm
from mmvisx.surgery.neural_rejuvenation.rejuvenate import check_variant, rejuvenate
from mmvisx.surgery.neural_rejuvenation.trace import build_channel_graph
from mmvisx.surgery.neural_rejuvenation.utilization import (
    Utilization,
    check_resource,
    cost,
    least_utilization,
    utilization,
)
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['NeuralRejuvenationHook', 'add_l1_gradient']


def add_l1_gradient(scales: Sequence[nn.Parameter], coefficient: float) -> None:
    """Add the gradient of ``coefficient * sum |gamma|`` (Eq. 5.3) to the scales' gradients.

    A scale without a gradient, which the optimizer will leave alone, is left alone too.
    """
    pairs = [(p.detach(), p.grad) for p in scales if p.grad is not None]
    if coefficient and pairs:
        signs = torch._foreach_sign([scale for scale, _ in pairs])
        torch._foreach_add_([gradient for _, gradient in pairs], signs, alpha=coefficient)


@HOOKS.register_module()
class NeuralRejuvenationHook(ArchitectureHook):
    """Monitor the utilization of a network, and rejuvenate its dead neurons when it is low.

    While the flag is on, the scales of all free neurons get the L1 penalty of Eq. 5.3, added to
    their gradients before weight decay and momentum, once per step of the optimizer. Its
    coefficient lambda starts at 0; after each interval in which the utilization ratio r fell
    by no more than ``utilization_drop`` it grows by ``lambda_step`` (5.3.1.3). When r is below
    ``threshold``, dead neurons are reallocated and reinitialised (5.3.2,
    :func:`~mmvisx.surgery.neural_rejuvenation.rejuvenate.rejuvenate`) before the next iteration;
    lambda goes back to 0, and rates, schedules and the number of epochs to run start anew. The
    flag is on during ``window`` and until ``num_rejuvenations`` have happened.

    Neurons are those of convolutions followed by batch normalisations, as far as their readers
    can be followed
    (:func:`~mmvisx.surgery.neural_rejuvenation.trace.build_channel_graph` says how far);
    the others are fixed alive, and the log says why. Any optimizer and wrapper works, as do
    running averages (EMA) and distributed training.

    The log has ``nr_utilization`` and ``nr_lambda``, and the visual back-ends also
    ``nr_live.{layer}``, once per interval, and a picture of the living neurons at the start and
    before and after a rejuvenation. Checkpoints hold the architecture, so that they are resumed,
    tested and loaded as others.

    Args:
        resource: What is counted: ``'params'`` or ``'flops'`` (multiply-adds), of convolutions.
        target: Cost to reach, relative to the network's at the start: 1 keeps the cost,
            0.5 compresses to a half.
        threshold: T_r, the utilization ratio below which neurons are rejuvenated, relative to
            the network as it is; at most ``target``, for which the document uses half of it.
        num_rejuvenations: How many there may be; None: any number.
        window: First and last epoch in which the flag is on, ``[begin, end)``, counted from
            the latest restart; None: always.
        variant: ``'NR'``, ``'NR-CR'`` (without cross connections), ``'NR-CA'`` (with cross
            attention) or ``'NR-FS'`` (the found architecture from scratch).
        rescale: Rescale surviving neurons (BR, 5.3.2.3).
        lambda_step: By how much lambda grows.
        lambda_interval: Epochs from one check to the next; may be below 1.
        utilization_drop: d_r, by how much the ratio has to fall for lambda to stay.
        fixed_lambda: Use this lambda throughout instead of the adaptive one.
        two_heads: Give rejuvenated neurons logits and a loss of their own
            (:class:`mmvisx.TwoHeadLinearClsHead`).
        input_shape: ``(C, H, W)`` of the images that channels are traced and multiply-adds
            counted with; by default that of the first batch.

    Raises:
        UserError: an argument is out of range; no neuron of the network may die, or so few that
            the threshold is below the least utilization there can be.

    Source: 001, Algorithm 3 and 5.3.

    Differs from the document: the epochs go on counting, and the training ends as many epochs
    after the rejuvenation as it was to last, where the document resets the counter. The
    momentum of surviving weights is kept.
    """

    key = REJUVENATED
    priority = 'ABOVE_NORMAL'  # before EMAHook, which loads weights into the average

    def __init__(
        self,
        resource: str = 'params',
        target: float = 1.0,
        threshold: float = 0.5,
        num_rejuvenations: int | None = 1,
        window: tuple[float, float] | None = None,
        variant: str = 'NR',
        rescale: bool = False,
        lambda_step: float = 5e-5,
        lambda_interval: float = 1,
        utilization_drop: float = 0.01,
        fixed_lambda: float | None = None,
        two_heads: bool = False,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        check_resource(resource)
        check_variant(variant)
        if not 0 < threshold <= target:
            raise UserError(
                f'threshold={threshold} should be above 0 and at most target={target}: at the '
                'threshold the living neurons must fit the target'
            )
        if window is not None and not (len(window) == 2 and 0 <= window[0] < window[1]):
            raise UserError(f'window={window!r} should be a first and a last epoch')
        for name, value in dict(
            lambda_step=lambda_step, utilization_drop=utilization_drop, fixed_lambda=fixed_lambda
        ).items():
            if value is not None and value < 0:
                raise UserError(f'{name}={value} of NeuralRejuvenationHook is below 0')
        if not lambda_interval > 0:
            raise UserError(f'lambda_interval={lambda_interval} should be above 0 epochs')
        if num_rejuvenations is not None and num_rejuvenations < 0:
            raise UserError(f'num_rejuvenations={num_rejuvenations} is below 0')
        if input_shape is not None and len(input_shape) != 3:
            raise UserError(f'input_shape={tuple(input_shape)} should be (channels, height, width)')
        self.resource = resource
        self.target = target
        self.threshold = threshold
        self.num_rejuvenations = num_rejuvenations
        self.window = window
        self.variant = variant
        self.rescale = rescale
        self.lambda_step = lambda_step
        self.lambda_interval = lambda_interval
        self.utilization_drop = utilization_drop
        self.fixed_lambda = fixed_lambda
        self.two_heads = two_heads
        self.input_shape = None if input_shape is None else tuple(input_shape)
        self.graph: ChannelGraph | None = None
        self.coefficient = fixed_lambda or 0.0
        self.count = 0
        self.budget = 0.0
        self.previous: float | None = None
        self.start_epoch = 0
        self.start_iter = 0
        self._restart: Restart | None = None
        self._penalised: dict[int, list[nn.Parameter]] = {}
        self._handles: list[Any] = []
        self._on = False
        self._reachable = True

    # --- set-up and checkpoints

    def before_run(self, runner: Runner) -> None:
        """Remember how the schedules start."""
        if runner.optim_wrapper is not None and optimizers_of(runner):
            self._restart = Restart(runner)

    def before_train(self, runner: Runner) -> None:
        """Hang the penalty before the optimizers' steps."""
        if self._restart is None:
            self._restart = Restart(runner)
        for optimizer in optimizers_of(runner):
            self._handles.append(optimizer.register_step_pre_hook(self._add_penalty))

    def after_train(self, runner: Runner) -> None:
        """Take the penalty away, and say if there was no rejuvenation."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if self.count == 0 and self.num_rejuvenations != 0:
            last = 'was never checked' if self.previous is None else f'was {self.previous:.4f}'
            runner.logger.warning(
                f'the training ends without a rejuvenation: the utilization {last} at the end of '
                f'the last interval, not below threshold={self.threshold}, with lambda='
                f'{self.coefficient:g}; raise threshold, lambda_step or fixed_lambda, or train '
                'longer'
            )

    def entry(self) -> dict[str, Any] | None:
        """Return the channel graph and the state of the monitor."""
        if self.graph is None:
            return None
        state = {key: getattr(self, key) for key in self._state_keys}
        return dict(graph=self.graph.to_dict(), state=state)

    def adopt(self, runner: Runner, entry: dict[str, Any]) -> None:
        """Take over the channel graph, and the monitor's state if the run goes on."""
        self.graph = ChannelGraph.from_dict(entry['graph'])
        if not runner._resume:
            return
        for key in self._state_keys:
            setattr(self, key, entry['state'][key])
        if self.count and self._restart is not None:
            self._restart.extend(runner, self.start_epoch, self.start_iter)

    _state_keys = (
        'coefficient',
        'count',
        'budget',
        'previous',
        'start_epoch',
        'start_iter',
    )

    # --- training

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Check the utilization where an interval has ended, and rejuvenate if it is low."""
        if self.graph is None:
            self.graph = self._trace(runner, data_batch)
            runner.logger.info(describe(self.graph))
        if not self.budget:
            self.budget = self.target * cost(self.graph, self.resource)
        if not self._penalised:
            self._check_reachable(runner)
            self._collect(runner)
        self._on = self._flag(runner)
        done = runner.iter - self.start_iter
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        at_interval = done % self._interval(runner) == 0
        # A schedule by epochs can only start anew where an epoch starts.
        may_rejuvenate = batch_idx == 0 if by_epoch else at_interval
        if not self._on or not (at_interval or may_rejuvenate):
            return
        if self.previous is None or done > 0:
            self._check(runner, at_interval, may_rejuvenate and done > 0)

    def _interval(self, runner: Runner) -> int:
        return max(1, round(self.lambda_interval * len(runner.train_dataloader)))

    def _flag(self, runner: Runner) -> bool:
        if self.num_rejuvenations is not None and self.count >= self.num_rejuvenations:
            return False
        if not self._reachable:
            return False
        if self.window is None:
            return True
        epochs = (runner.iter - self.start_iter) / len(runner.train_dataloader)
        return self.window[0] <= epochs < self.window[1]

    def _check_reachable(self, runner: Runner) -> None:
        """Refuse a threshold that lambda would grow for without end."""
        assert self.graph is not None
        if self.num_rejuvenations is not None and self.count >= self.num_rejuvenations:
            return
        least = least_utilization(self.graph, self.resource)
        self._reachable = least < self.threshold
        if self._reachable:
            return
        found = (
            f'the least utilization ({self.resource}) that this network can fall to is '
            f'{least:.4f}, as {len(self.graph.fixed)} layers are fixed alive, which is not below '
            f'threshold={self.threshold}'
        )
        if self.count == 0:
            raise UserError(
                f'{found}: raise threshold (and target, which is at least as high) of '
                'NeuralRejuvenationHook, or use a network with more neurons that may die'
            )
        runner.logger.warning(f'{found}: there will be no further rejuvenation')

    def _check(self, runner: Runner, adapt: bool, may_rejuvenate: bool) -> None:
        assert self.graph is not None
        state = same_everywhere(utilization(unwrap(runner.model), self.graph, self.resource))
        picture = 'start' if self.previous is None else ''
        log_state(runner, self.graph, state, self.coefficient, self.resource, picture)
        if state.ratio < self.threshold and may_rejuvenate:
            if not between_steps(runner):
                runner.logger.info('rejuvenation waits for the end of the accumulated step')
                return
            try:
                self._rejuvenate(runner, state)
                return
            except UserError as error:  # nothing has changed; more neurons may die
                runner.logger.warning(f'no rejuvenation yet: {error}')
        if adapt:
            stalled = self.previous is not None and not (
                state.ratio < self.previous - self.utilization_drop
            )
            if stalled and self.fixed_lambda is None:
                self.coefficient += self.lambda_step
            self.previous = state.ratio

    def _rejuvenate(self, runner: Runner, state: Utilization) -> None:
        assert self.graph is not None
        assert self._restart is not None
        model = unwrap(runner.model)
        for name in state.kept:
            runner.logger.warning(
                f'all neurons of {name} are dead; the strongest one is kept, as the network would '
                'give the same output for all images without it. Lower fixed_lambda or lambda_step'
            )
        log_state(runner, self.graph, state, self.coefficient, self.resource, 'before')
        averages = averages_of(runner)
        seed = same_everywhere(1_000_003 * (runner.seed or 0) + self.count)
        result = rejuvenate(
            model,
            self.graph,
            self.budget,
            self.resource,
            self.variant,
            self.rescale,
            seed,
            state.alive,
            optimizers_of(runner),
            averages,
        )
        self.graph = result.graph
        self.count += 1
        self.coefficient = self.fixed_lambda or 0.0
        self.start_epoch, self.start_iter = runner.epoch, runner.iter
        refresh_runner(runner)
        self._restart.extend(runner, self.start_epoch, self.start_iter)
        self._restart.schedules(runner)
        self._check_reachable(runner)
        self._collect(runner)
        self._on = self._flag(runner)
        share = result.cost / result.budget
        runner.logger.info(
            f'rejuvenation {self.count} ({self.variant}) at iteration {runner.iter}: utilization '
            f'{state.ratio:.4f}, {sum(result.survived):,} of '
            f'{sum(mask.numel() for mask in state.alive):,} neurons survived, alpha='
            f'{result.alpha:.4f}, now {sum(g.width for g in result.graph.groups):,} neurons and '
            f'{result.cost:,} {self.resource} ({share:.2%} of the target)'
        )
        if share < 0.98:
            runner.logger.warning(
                f'the network uses {share:.2%} of the target: its layers are too narrow to come '
                'closer by whole neurons'
            )
        now = utilization(model, self.graph, self.resource)
        self.previous = now.ratio
        log_state(runner, self.graph, now, self.coefficient, self.resource, 'after')

    def _trace(self, runner: Runner, data_batch: Any) -> ChannelGraph:
        model = unwrap(runner.model)
        shape = self.input_shape
        if shape is None:
            shape = batch_shape(model, data_batch)
        generator = torch.Generator().manual_seed(0)
        images = torch.randn((2, *shape), generator=generator)
        graph = build_channel_graph(model, images)
        graph.two_heads = self.two_heads
        if self.two_heads and not any(hasattr(m, 'split_features') for m in model.modules()):
            raise UserError(
                'two_heads=True of NeuralRejuvenationHook needs a classifier that can be split: '
                "model.head.type='mmvisx.TwoHeadLinearClsHead'"
            )
        text, warn = describe_mix(graph, self.variant)
        if text:
            (runner.logger.warning if warn else runner.logger.info)(text)
        return same_everywhere(graph)

    # --- penalty

    def _collect(self, runner: Runner) -> None:
        assert self.graph is not None
        model = unwrap(runner.model)
        scales = [get_norm(model, n).weight for g in self.graph.groups for n in g.norms]
        self._penalised = {}
        for optimizer in optimizers_of(runner):
            own = {id(p) for group in optimizer.param_groups for p in group['params']}
            self._penalised[id(optimizer)] = [p for p in scales if id(p) in own]

    def _add_penalty(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._on and self.coefficient:
            # A fused optimizer divides by the loss scale itself.
            loss_scale = getattr(optimizer, 'grad_scale', None)
            factor = 1.0 if loss_scale is None else float(loss_scale)
            add_l1_gradient(self._penalised.get(id(optimizer), []), factor * self.coefficient)
