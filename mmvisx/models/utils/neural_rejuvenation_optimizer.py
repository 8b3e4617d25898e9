"""Keep an optimizer's groups and the momentum of surviving weights."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .neural_rejuvenation_parts import Change, Part, gather

__all__ = ['update_optimizer']


@torch.no_grad()
def update_optimizer(optimizer: Optimizer, changes: Sequence[Change]) -> None:
    """Put new parameters in the place of old ones, in place.

    Each new parameter goes into the group of the one whose place it takes, so that rates, decays
    and schedules stay. Everything in the state that has the shape of a weight (SGD's momentum,
    Adam's moments) is kept for surviving weights and zero for new ones; numbers (Adam's step)
    are kept; anything else is dropped with a warning.

    Differs from the document: the authors' code starts with a new optimizer, so that all
    momentum is lost.
    """
    groups = {id(p): i for i, g in enumerate(optimizer.param_groups) for p in g['params']}
    for change in changes:
        known = [part for part in change.old if id(part.parameter) in groups]
        if not known:
            continue  # frozen, or another optimizer's
        _replace(optimizer, change, groups)
        _move_state(optimizer, change)


def _replace(optimizer: Optimizer, change: Change, groups: dict[int, int]) -> None:
    place = groups[id(change.old[0].parameter)]
    params: list[nn.Parameter] = optimizer.param_groups[place]['params']
    position = next(i for i, p in enumerate(params) if p is change.old[0].parameter)
    gone = {id(part.parameter) for part in change.old}
    params[position:position] = [part.parameter for part in change.new]
    for group in optimizer.param_groups:
        group['params'] = [p for p in group['params'] if id(p) not in gone]
    groups.update({id(part.parameter): place for part in change.new})


def _move_state(optimizer: Optimizer, change: Change) -> None:
    states = [optimizer.state.pop(part.parameter, {}) for part in change.old]
    first = next((state for state in states if state), None)
    if first is None or change.transform is None:
        return
    moved: dict[str, list] = {}
    for key, value in first.items():
        if not isinstance(value, Tensor) or value.numel() == 1:
            moved[key] = [value.clone() if isinstance(value, Tensor) else value for _ in change.new]
            continue
        pairs = zip(change.old, states, strict=True)
        tensors = [_like(part, state.get(key)) for part, state in pairs]
        if any(tensor is None for tensor in tensors):
            warnings.warn(
                f'the optimizer keeps {key!r} in another shape than the weights; it starts anew '
                'for weights that changed',
                stacklevel=2,
            )
            return
        dense = gather(change.old, [t for t in tensors if t is not None], change.old_shape)
        dense = change.transform(dense)
        moved[key] = [part.extract(dense).clone() for part in change.new]
    for index, part in enumerate(change.new):
        optimizer.state[part.parameter] = {key: values[index] for key, values in moved.items()}


def _like(part: Part, value: Tensor | None) -> Tensor | None:
    if value is None:
        return torch.zeros_like(part.parameter)
    return value if value.shape == part.parameter.shape else None
