"""Keep an optimizer's groups and the momentum of surviving weights."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mmvisx.utils.architecture import Change, Part, gather

__all__ = ['SECOND_MOMENTS', 'update_optimizer']

# What optimizers of PyTorch divide a step by: Adam and its kin, Adamax, RMSprop, Adagrad.
SECOND_MOMENTS = ('exp_avg_sq', 'max_exp_avg_sq', 'exp_inf', 'square_avg', 'sum')


@torch.no_grad()
def update_optimizer(optimizer: Optimizer, changes: Sequence[Change]) -> None:
    """Put new parameters in the place of old ones, in place.

    Each new parameter goes into the parameter group of the one whose place it takes, so that
    rates, decays and schedules stay. Everything in the state that has the shape of a weight is
    kept for surviving weights. New ones get zero (momenta) or, where the state is one of
    :data:`SECOND_MOMENTS`, the mean of the survivors': with zero there, and the number of steps
    of the survivors, Adam's first steps for them would be some times too long. Numbers (Adam's
    step) are kept; anything else is dropped with a warning.

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
    index = groups[id(change.old[0].parameter)]
    params: list[nn.Parameter] = optimizer.param_groups[index]['params']
    position = next(i for i, p in enumerate(params) if p is change.old[0].parameter)
    gone = {id(part.parameter) for part in change.old}
    params[position:position] = [part.parameter for part in change.new]
    for group in optimizer.param_groups:
        group['params'] = [p for p in group['params'] if id(p) not in gone]
    groups.update({id(part.parameter): index for part in change.new})


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
        whole = _moved(change, [t for t in tensors if t is not None], key in SECOND_MOMENTS)
        moved[key] = [part.extract(whole).clone() for part in change.new]
    for index, part in enumerate(change.new):
        optimizer.state[part.parameter] = {key: values[index] for key, values in moved.items()}


def _moved(change: Change, tensors: Sequence[Tensor], second_moment: bool) -> Tensor:
    """Return a whole state in the new layout: new weights get 0, or the survivors' mean."""
    assert change.transform is not None
    old = gather(change.old, tensors, change.old_shape)
    new = change.transform(old)
    if second_moment:
        ones = gather(change.old, [torch.ones_like(t) for t in tensors], change.old_shape)
        survived = change.transform(ones).bool()
        # Where nothing survived, as in a branch that was dead as a whole, that of all there were.
        mean = new[survived].mean() if survived.any() else old[ones.bool()].mean()
        new = torch.where(survived, new, mean)
    return new


def _like(part: Part, value: Tensor | None) -> Tensor | None:
    if value is None:
        return torch.zeros_like(part.parameter)
    return value if value.shape == part.parameter.shape else None
