"""Neural rejuvenation: find dead neurons during training and bring them back where needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner

from mmvisx.engine.architecture import averages_of, optimizers_of, refresh_runner
from mmvisx.engine.hooks.architecture import ArchitectureHook
from mmvisx.registry import HOOKS
from mmvisx.surgery.neural_rejuvenation import (
    REJUVENATED,
    ChannelGraph,
    Utilization,
    cost,
    rejuvenate,
    utilization,
)
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

from . import report
from .options import check_options
from .penalty import ScalePenalty
from .restart import Restart, between_steps
from .tracing import batch_shape, same_everywhere, trace_network

__all__ = ['NeuralRejuvenationHook']


@HOOKS.register_module()
class NeuralRejuvenationHook(ArchitectureHook):
    """Monitor the utilization of a network, and rejuvenate its dead neurons when it is low.

    While the flag is on, the scales of all free neurons get the L1 penalty of Eq. 5.3, added to
    their gradients before weight decay and momentum, once per step of the optimizer. Its
    coefficient lambda starts at 0; after each interval in which the utilization ratio r fell
    by no more than ``utilization_drop`` it grows by ``lambda_step`` (5.3.1.3). When r is below
    ``threshold``, dead neurons are reallocated and reinitialised (5.3.2,
    :func:`~mmvisx.surgery.neural_rejuvenation.rejuvenate`) before the next iteration;
    lambda goes back to 0, and rates, schedules and the number of epochs to run start anew. The
    flag is on during ``window`` and until ``num_rejuvenations`` have happened.

    Neurons are those of convolutions followed by batch normalisations, as far as their readers
    can be followed
    (:func:`~mmvisx.surgery.neural_rejuvenation.build_channel_graph` says how far);
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
        check_options(self)
        self.graph: ChannelGraph | None = None
        self.coefficient = fixed_lambda or 0.0
        self.count = 0
        self.budget = 0.0
        self.previous: float | None = None
        self.start_epoch = 0
        self.start_iter = 0
        self._restart: Restart | None = None
        self._penalty = ScalePenalty(self._coefficient_now)
        self._on = False
        self._reachable = True

    def before_run(self, runner: Runner) -> None:
        """Remember how the schedules start."""
        if runner.optim_wrapper is not None and optimizers_of(runner):
            self._restart = Restart(runner)

    def before_train(self, runner: Runner) -> None:
        """Hang the penalty before the optimizers' steps."""
        if self._restart is None:
            self._restart = Restart(runner)
        self._penalty.hang(optimizers_of(runner))

    def after_train(self, runner: Runner) -> None:
        """Take the penalty away, and say if there was no rejuvenation."""
        self._penalty.take_away()
        if self.count == 0 and self.num_rejuvenations != 0:
            text = report.describe_no_event(
                self.previous, threshold=self.threshold, coefficient=self.coefficient
            )
            runner.logger.warning(text)

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

    _state_keys = ('coefficient', 'count', 'budget', 'previous', 'start_epoch', 'start_iter')

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Check the utilization where an interval has ended, and rejuvenate if it is low."""
        if self.graph is None:
            self.graph = self._trace(runner, data_batch)
            runner.logger.info(report.describe_graph(self.graph))
        if not self.budget:
            self.budget = self.target * cost(self.graph, self.resource)
        if not self._penalty.scales:
            self._check_reachable(runner)
            self._collect(runner)
        self._on = self._flag(runner)
        done = runner.iter - self.start_iter
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        interval = max(1, round(self.lambda_interval * len(runner.train_dataloader)))
        at_interval = done % interval == 0
        # A schedule by epochs can only start anew where an epoch starts.
        may_rejuvenate = batch_idx == 0 if by_epoch else at_interval
        if not self._on or not (at_interval or may_rejuvenate):
            return
        if self.previous is None or done > 0:
            self._check(runner, adapt=at_interval, may_rejuvenate=may_rejuvenate and done > 0)

    def _enough(self) -> bool:
        return self.num_rejuvenations is not None and self.count >= self.num_rejuvenations

    def _flag(self, runner: Runner) -> bool:
        if self._enough() or not self._reachable:
            return False
        if self.window is None:
            return True
        epochs = (runner.iter - self.start_iter) / len(runner.train_dataloader)
        return self.window[0] <= epochs < self.window[1]

    def _check_reachable(self, runner: Runner) -> None:
        """Refuse a threshold that lambda would grow for without end."""
        assert self.graph is not None
        if self._enough():
            return
        fault = report.describe_unreachable(self.graph, self.resource, self.threshold)
        self._reachable = not fault
        if fault and self.count == 0:
            raise UserError(
                f'{fault}: raise threshold (and target, which is at least as high) of '
                'NeuralRejuvenationHook, or use a network with more neurons that may die'
            )
        if fault:
            runner.logger.warning(f'{fault}: there will be no further rejuvenation')

    def _check(self, runner: Runner, *, adapt: bool, may_rejuvenate: bool) -> None:
        assert self.graph is not None
        state = same_everywhere(utilization(unwrap(runner.model), self.graph, self.resource))
        self._log(runner, state, 'start' if self.previous is None else '')
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

    def _log(self, runner: Runner, state: Utilization, picture: str) -> None:
        assert self.graph is not None
        report.log_state(
            runner,
            self.graph,
            state,
            coefficient=self.coefficient,
            resource=self.resource,
            picture=picture,
        )

    def _rejuvenate(self, runner: Runner, state: Utilization) -> None:
        assert self.graph is not None
        assert self._restart is not None
        model = unwrap(runner.model)
        report.log_rescued(runner, state)
        self._log(runner, state, 'before')
        result = rejuvenate(
            model,
            self.graph,
            self.budget,
            resource=self.resource,
            variant=self.variant,
            rescale=self.rescale,
            seed=same_everywhere(1_000_003 * (runner.seed or 0) + self.count),
            alive=state.alive,
            optimizers=optimizers_of(runner),
            averages=averages_of(runner),
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
        title = f'{self.count} ({self.variant})'
        report.log_rejuvenation(runner, state, result, title=title, resource=self.resource)
        now = utilization(model, self.graph, self.resource)
        self.previous = now.ratio
        self._log(runner, now, 'after')

    def _trace(self, runner: Runner, data_batch: Any) -> ChannelGraph:
        shape = self.input_shape or batch_shape(unwrap(runner.model), data_batch)
        return trace_network(runner, shape, variant=self.variant, two_heads=self.two_heads)

    def _collect(self, runner: Runner) -> None:
        assert self.graph is not None
        self._penalty.collect(unwrap(runner.model), self.graph, optimizers_of(runner))

    def _coefficient_now(self) -> float:
        return self.coefficient if self._on else 0.0
