"""What can be found out about a training step whose loss or gradient is not finite."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    'ForwardCall',
    'Terms',
    'autocast_state',
    'bad_gradients',
    'first_bad_module',
    'image_paths',
    'non_finite_terms',
    'random_state',
    'run_again',
    'set_random_state',
]

Terms = Mapping[str, Tensor | Sequence[Tensor]]
"""Losses of a step by their names: each ``()`` or ``(N, ...)``."""


@dataclass
class ForwardCall:
    """A call of the network in a training step.

    Attributes:
        args: What it was given.
        kwargs: What it was given by name, ``mode`` included.
        random: :func:`random_state` before.
        autocast: :func:`autocast_state`.
    """

    args: tuple
    kwargs: dict[str, Any]
    random: dict[str, Any]
    autocast: dict[str, str]


def random_state(device: torch.device) -> dict[str, Any]:
    """State of all random numbers that a forward pass may draw, in microseconds."""
    state = dict(python=random.getstate(), numpy=np.random.get_state(), torch=torch.get_rng_state())
    if device.type == 'cuda':
        state['cuda'] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Draw from here on as from where :func:`random_state` was asked."""
    random.setstate(state['python'])
    np.random.set_state(state['numpy'])
    torch.set_rng_state(state['torch'])
    if device.type == 'cuda' and 'cuda' in state:
        torch.cuda.set_rng_state(state['cuda'], device)


def autocast_state(device: torch.device) -> dict[str, str]:
    """``{device type: number type}`` of automatic mixed precision, empty if it is off."""
    if not torch.is_autocast_enabled(device.type):
        return {}
    return {device.type: str(torch.get_autocast_dtype(device.type)).removeprefix('torch.')}


def bad_gradients(parameters: Sequence[tuple[str, nn.Parameter]]) -> list[str]:
    """Names of the parameters whose gradient is not finite.

    One fused operation and one synchronisation while all are.
    """
    given = [(name, p.grad) for name, p in parameters if p.grad is not None]
    if not given:
        return []
    norms = torch._foreach_norm([grad for _, grad in given])
    # Of a network on several devices there are norms on each.
    if bool(torch.isfinite(torch.stack([n.to(norms[0].device, torch.float) for n in norms])).all()):
        return []
    # A norm may overflow where no gradient has.
    return [name for name, grad in given if not bool(torch.isfinite(grad).all())]


def first_bad_module(model: nn.Module, call: ForwardCall) -> str | None:
    """Name of the first layer that makes something not finite out of what is, or None.

    The forward pass is done again. Random numbers afterwards are as before; running statistics
    are not.
    """
    found: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if next(module.children(), None) is None:

            def look(_: Any, args: Any, output: Any, name: str = name) -> None:
                if not found and not _all_finite(output):
                    given = '' if _all_finite(args) else ', whose input is not finite already'
                    found.append(name + given)

            handles.append(module.register_forward_hook(look))
    device = next(model.parameters()).device
    before = random_state(device)
    try:
        with torch.no_grad():
            run_again(model, call)
    finally:
        for handle in handles:
            handle.remove()
        set_random_state(before, device)
    return found[0] if found else None


def run_again(model: nn.Module, call: ForwardCall) -> Any:
    """Call the network as it was called, from the same random state; returns what it returns."""
    device = next(model.parameters()).device
    set_random_state(call.random, device)
    with _autocast(call.autocast):
        return model.forward(*call.args, **call.kwargs)


@contextmanager
def _autocast(state: Mapping[str, str]) -> Iterator[None]:
    if not state:
        yield
        return
    ((device, dtype),) = state.items()
    with torch.autocast(device, getattr(torch, dtype)):
        yield


def _all_finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    if isinstance(value, Mapping):
        value = list(value.values())
    return all(map(_all_finite, value)) if isinstance(value, list | tuple) else True


def image_paths(value: Any) -> list[str]:
    """Paths of the images of a batch, where its samples say them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [path for item in value for path in image_paths(item)]
    path = getattr(value, 'img_path', None)
    return [str(path)] if path is not None else []


def non_finite_terms(losses: Terms) -> dict[str, str]:
    """Return ``{name: value}`` of the loss terms that are NaN or infinite."""
    names = []
    values = []
    for name, loss in losses.items():
        if isinstance(loss, Tensor):
            loss = [loss]
        for index, item in enumerate(loss):
            names.append(name if len(loss) == 1 else f'{name}[{index}]')
            values.append(item.detach().float().mean())
    if not values:
        return {}
    stacked = torch.stack(values)
    if bool(torch.isfinite(stacked).all()):  # the one synchronisation of a healthy iteration
        return {}
    found = zip(names, stacked.tolist(), strict=True)
    return {name: str(value) for name, value in found if not math.isfinite(value)}
