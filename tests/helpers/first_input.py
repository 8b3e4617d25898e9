"""See what a network is fed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def first_input() -> Iterator[list[Tensor]]:
    """Collect what every convolution of every network is given ``(N, C, H, W)``, in order."""
    seen: list[Tensor] = []

    def look(module, inputs):
        if isinstance(module, nn.Conv2d):
            seen.append(inputs[0].clone())

    handle = nn.modules.module.register_module_forward_pre_hook(look)
    try:
        yield seen
    finally:
        handle.remove()
