"""What neural rejuvenation does to a runner around the network: wrapper, averages, schedules."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.dist import broadcast_object_list
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn

from mmvisx.engine.architecture import optim_wrappers_of, optimizers_of
from mmvisx.surgery.neural_rejuvenation.graph import ChannelGraph
from mmvisx.surgery.neural_rejuvenation.search import MIXES, mixed_layers
from mmvisx.surgery.neural_rejuvenation.utilization import Utilization
from mmvisx.utils.errors import UserError
from mmvisx.visualization.neural_rejuvenation import draw_live_channels

__all__ = [
    'Restart',
    'batch_shape',
    'between_steps',
    'describe',
    'describe_mix',
    'log_state',
    'same_everywhere',
]


def between_steps(runner: Runner) -> bool:
    """Whether no gradients are being accumulated."""
    return all(
        wrapper._inner_count % wrapper._accumulative_counts == 0
        for wrapper in optim_wrappers_of(runner)
    )


def same_everywhere(value: Any) -> Any:
    """Return the first process's value in all processes."""
    values = [value]
    broadcast_object_list(values)
    return values[0]


def batch_shape(model: nn.Module, data_batch: Any) -> tuple[int, ...]:
    """Return ``(C, H, W)`` of a batch as the network gets it.

    Raises:
        UserError: it holds no batch of images.
    """
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    data = preprocessor(data_batch, False) if preprocessor is not None else data_batch
    inputs = data.get('inputs') if isinstance(data, dict) else data
    if isinstance(inputs, list | tuple):
        inputs = inputs[0]
    if not isinstance(inputs, Tensor) or inputs.dim() != 4:
        raise UserError(
            'the first batch holds no images (N, C, H, W); give input_shape=(C, H, W) to '
            'NeuralRejuvenationHook'
        )
    return tuple(inputs.shape[1:])


def describe(graph: ChannelGraph) -> str:
    """Say which neurons may die, and why the others are fixed."""
    free = sum(group.width for group in graph.groups)
    lines = [
        f'neural rejuvenation: {free:,} neurons in {len(graph.groups)} layers may die, '
        f'{len(graph.fixed)} layers are fixed alive'
    ]
    lines += [f'  {name}: {reason}' for name, reason in graph.fixed.items()]
    return '\n'.join(lines)


def describe_mix(graph: ChannelGraph, variant: str) -> tuple[str, bool]:
    """Say how many convolutions a variant gives cross attention, or takes connections from.

    Returns:
        The text (empty for variants without such layers), and whether it is a warning.
    """
    what = {'removed': 'no cross connections', 'attention': 'cross attention'}.get(MIXES[variant])
    if what is None:
        return '', False
    number = len(mixed_layers(graph, variant))
    total = sum(layer.kind != 'linear' for layer in graph.layers)
    text = f'{variant}: {number} of {total} convolutions get {what}'
    if number:
        return text, False
    return (
        f'{text}: none lies between two layers whose neurons may die, so that {variant} is the '
        "same as variant='NR' here",
        True,
    )


def log_state(
    runner: Runner,
    graph: ChannelGraph,
    state: Utilization,
    coefficient: float,
    resource: str,
    picture: str = '',
) -> None:
    """Write utilization, lambda and living neurons to the log and the visual back-ends.

    With ``picture``, the last part of its name, they are drawn, too.
    """
    hub = runner.message_hub
    hub.update_scalar('train/nr_utilization', state.ratio)
    hub.update_scalar('train/nr_lambda', coefficient)
    live = {
        group.name: (int(mask.sum()), group.width)
        for group, mask in zip(graph.groups, state.alive, strict=True)
    }
    step = runner.iter
    record: dict[str, float] = {f'nr_live.{name}': count for name, (count, _) in live.items()}
    record.update(nr_utilization=state.ratio, nr_lambda=coefficient)
    runner.visualizer.add_scalars(dict(iter=step, **record), step=step)
    if picture:
        title = f'iteration {step}: utilization {state.ratio:.3f} ({resource})'
        runner.visualizer.add_image(
            f'nr_live_{picture}', draw_live_channels(live, title), step=step
        )


class Restart:
    """The start of a training's schedules, to begin them anew.

    Args:
        runner: A training that has not begun.
    """

    def __init__(self, runner: Runner) -> None:
        self.schedulers = [copy.deepcopy(s.state_dict()) for s in _schedulers(runner)]
        self.groups = [
            [
                {key: copy.deepcopy(value) for key, value in group.items() if key != 'params'}
                for group in optimizer.param_groups
            ]
            for optimizer in optimizers_of(runner)
        ]
        loop = runner.train_loop
        self.max_epochs, self.max_iters = loop.max_epochs, loop.max_iters

    def extend(self, runner: Runner, epoch: int, iteration: int) -> None:
        """Let the training end as long after ``epoch`` or ``iteration`` as it was to last."""
        loop = runner.train_loop
        if isinstance(loop, EpochBasedTrainLoop):
            loop._max_epochs = epoch + self.max_epochs
            loop._max_iters = loop._max_epochs * len(loop.dataloader)
        else:
            loop._max_iters = iteration + self.max_iters
        runner.message_hub.update_info('max_epochs', loop.max_epochs)
        runner.message_hub.update_info('max_iters', loop.max_iters)

    def schedules(self, runner: Runner) -> None:
        """Set rates and schedules to their start."""
        for scheduler, state in zip(_schedulers(runner), self.schedulers, strict=True):
            scheduler.load_state_dict(copy.deepcopy(state))
        for optimizer, groups in zip(optimizers_of(runner), self.groups, strict=True):
            for group, settings in zip(optimizer.param_groups, groups, strict=True):
                group.update(copy.deepcopy(settings))
        for wrapper in optim_wrappers_of(runner):
            wrapper._max_counts = runner.max_iters
            wrapper._remainder_counts = runner.max_iters % wrapper._accumulative_counts


def _schedulers(runner: Runner) -> list[Any]:
    schedulers = runner.param_schedulers or []
    if isinstance(schedulers, dict):
        return [scheduler for part in schedulers.values() for scheduler in part]
    return list(schedulers)
