"""What a training with neural rejuvenation says in its log and shows in its curves."""

from __future__ import annotations

from mmengine.runner import Runner

from mmvisx.surgery.neural_rejuvenation import (
    ChannelGraph,
    Rejuvenation,
    Utilization,
    least_utilization,
)
from mmvisx.surgery.neural_rejuvenation.search import MIXES, mixed_layers
from mmvisx.utils.screen import ON_SCREEN
from mmvisx.visualization.neural_rejuvenation import draw_live_channels

__all__ = [
    'describe_graph',
    'describe_mix',
    'describe_no_event',
    'describe_unreachable',
    'log_rejuvenation',
    'log_rescued',
    'log_state',
]


def describe_graph(graph: ChannelGraph) -> str:
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


def describe_unreachable(graph: ChannelGraph, resource: str, threshold: float) -> str:
    """Say that the utilization cannot fall below a threshold; empty if it can."""
    least = least_utilization(graph, resource)
    if least < threshold:
        return ''
    return (
        f'the least utilization ({resource}) that this network can fall to is '
        f'{least:.4f}, as {len(graph.fixed)} layers are fixed alive, which is not below '
        f'threshold={threshold}'
    )


def describe_no_event(previous: float | None, *, threshold: float, coefficient: float) -> str:
    """Say that a training ends without a rejuvenation.

    Args:
        previous: Utilization at the last check; None: there was none.
        threshold: What it was to fall below.
        coefficient: The last lambda.
    """
    last = 'was never checked' if previous is None else f'was {previous:.4f}'
    return (
        f'the training ends without a rejuvenation: the utilization {last} at the end of '
        f'the last interval, not below threshold={threshold}, with lambda='
        f'{coefficient:g}; raise threshold, lambda_step or fixed_lambda, or train longer'
    )


def log_state(
    runner: Runner,
    graph: ChannelGraph,
    state: Utilization,
    *,
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


def log_rescued(runner: Runner, state: Utilization) -> None:
    """Warn of layers that are dead as a whole."""
    for name in state.rescued:
        runner.logger.warning(
            f'all neurons of {name} are dead; the strongest one is kept, as the network would '
            'give the same output for all images without it. Lower fixed_lambda or lambda_step'
        )


def log_rejuvenation(
    runner: Runner, state: Utilization, result: Rejuvenation, *, title: str, resource: str
) -> None:
    """Write what a rejuvenation did to the log.

    Args:
        runner: The training.
        state: Utilization before.
        result: What was done.
        title: Its number and variant.
        resource: What is counted, ``'params'`` or ``'flops'``.
    """
    share = result.cost / result.budget
    runner.logger.info(
        f'rejuvenation {title} at iteration {runner.iter}: utilization '
        f'{state.ratio:.4f}, {sum(result.survived):,} of '
        f'{sum(mask.numel() for mask in state.alive):,} neurons survived, alpha='
        f'{result.alpha:.4f}, now {sum(g.width for g in result.graph.groups):,} neurons and '
        f'{result.cost:,} {resource} ({share:.2%} of the target)',
        extra=ON_SCREEN,
    )
    if share < 0.98:
        runner.logger.warning(
            f'the network uses {share:.2%} of the target: its layers are too narrow to come '
            'closer by whole neurons'
        )
