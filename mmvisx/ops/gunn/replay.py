"""Run a module a second time exactly as the first time (GUNN's backward pass)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mmvisx.utils.modules import modes_kept

__all__ = ['Recording', 'autocast_of_now']


def autocast_of_now(device_type: str) -> Callable[[], AbstractContextManager]:
    """Return what makes a context with the present autocast state of a kind of device.

    Without its cache: a copy of a weight serves one call here, and those of the backward
    pass, made of fresh tensors, would pile up in it.
    """
    if not torch.amp.is_autocast_available(device_type):
        return nullcontext
    return partial(
        torch.autocast,
        device_type,
        dtype=torch.get_autocast_dtype(device_type),
        enabled=torch.is_autocast_enabled(device_type),
        cache_enabled=False,
    )


class Recording:
    """What the next call of a module will depend on besides its argument and parameters.

    That is the training mode of its parts, its buffers, and the state of torch's random
    numbers on the CPU and on ``device``.

    Args:
        module: To be called once after this, before :meth:`called`.
        device: Where it works.

    Source: 001, Algorithm 2, Eq. 4.6.
    """

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self.module = module
        self._device = device
        self._modes = [part.training for part in module.modules()]
        self._buffers = _Snapshot(module.named_buffers())
        self._random: tuple[Tensor, ...] | None = _random_state(device)

    def called(self) -> None:
        """Forget the random state if the call has not drawn from it."""
        now = _random_state(self._device)
        if self._random and all(map(torch.equal, self._random, now)):
            self._random = None

    def replay(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Call the module again with these parameters on ``x``, ``(N, C, H, W)``.

        Everything recorded is as it was then, and afterwards as it is now.
        """
        cuda = [self._device] if self._random and self._device.type == 'cuda' else []
        with torch.random.fork_rng(cuda, enabled=self._random is not None):
            if self._random is not None:
                torch.set_rng_state(self._random[0])
            if self._random is not None and cuda:
                torch.cuda.set_rng_state(self._random[1], self._device)
            with modes_kept(self.module):
                for part, mode in zip(self.module.modules(), self._modes, strict=True):
                    if part.training != mode:
                        part.training = mode
                return functional_call(self.module, {**parameters, **self._buffers.copy()}, (x,))


def _random_state(device: torch.device) -> tuple[Tensor, ...]:
    cpu = torch.get_rng_state()
    return (cpu, torch.cuda.get_rng_state(device)) if device.type == 'cuda' else (cpu,)


class _Snapshot:
    """Copies of tensors, in one piece for each type: a batch norm alone has three small ones."""

    def __init__(self, tensors: Iterable[tuple[str, Tensor]]) -> None:
        groups: dict[tuple[torch.dtype, torch.device], dict[str, Tensor]] = {}
        for name, tensor in tensors:
            groups.setdefault((tensor.dtype, tensor.device), {})[name] = tensor.detach()
        self._groups = [
            (
                torch.cat([tensor.reshape(-1) for tensor in group.values()]),
                {name: tensor.shape for name, tensor in group.items()},
            )
            for group in groups.values()
        ]

    def copy(self) -> dict[str, Tensor]:
        """Return fresh copies.

        Each by itself: autograd counts the writes into all views of a tensor together, so that
        what one part writes into its buffer would make another part's, saved for the backward
        pass, look changed.
        """
        copies = {}
        for flat, shapes in self._groups:
            parts = flat.split([shape.numel() for shape in shapes.values()])
            for (name, shape), part in zip(shapes.items(), parts, strict=True):
                copies[name] = part.clone().view(shape)
        return copies
