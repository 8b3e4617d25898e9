"""Bare loops in plain PyTorch, on tensors in memory, and turns that a training takes with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from torch import Tensor, nn
from torch.optim import SGD

from mmvisx.utils.measure import summary

CHANNELS = (784, 500, 500, 2000, 10)
CLUSTERS = 10
BATCH = 256
Step = Callable[[], Any]


class Turns(Hook):
    """Time blocks of a training's iterations, and as many steps of a bare loop after each.

    The first block of each bare loop is not counted. The training ends when all are through.

    Args:
        block: Iterations.
        rounds: Blocks that count, for each bare loop.
        bare: Makes a bare step, by its name.
    """

    priority = 'LOWEST'

    def __init__(self, block: int, rounds: int, bare: Mapping[str, Callable[[], Step]]) -> None:
        self.block, self.rounds, self.bare = block, rounds, list(bare.items())
        self.found: dict[str, Any] = {}
        self._pairs: list[tuple[float, float]] = []
        self._start = 0.0
        self._step: Step | None = None

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Start the clock in the very first iteration."""
        self._start = self._start or time.process_time()

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Let the bare loop have its turn."""
        if (runner.iter + 1) % self.block:
            return
        ours = time.process_time() - self._start
        name, make = self.bare[len(self.found)]
        self._step = self._step or make()
        start = time.process_time()
        for _ in range(self.block):
            self._step()
        self._pairs.append((ours / self.block, (time.process_time() - start) / self.block))
        if len(self._pairs) > self.rounds:
            self.found[name] = summary(self._pairs[1:])
            self._pairs, self._step = [], None
            runner.train_loop.stop_training = len(self.found) == len(self.bare)
        self._start = time.process_time()


def bare_step(points: Tensor, net: nn.Module, loss: Callable[[slice, Tensor], Tensor]) -> Step:
    """Return a step of SGD on tensors in memory, as one would write it by hand.

    Args:
        points: ``(n, d)``; batches are slices of it, in order.
        net: What learns.
        loss: Of rows and their points ``(N, d)``.
    """
    weights = [p for name, p in net.named_parameters() if not name.endswith('bias')]
    biases = [p for name, p in net.named_parameters() if name.endswith('bias')]
    groups: list[dict[str, Any]] = [dict(params=weights), dict(params=biases, lr=0.02)]
    optimizer, place = SGD(groups, lr=0.01, momentum=0.9), 0

    def step() -> None:
        nonlocal place
        rows = slice(place, place + BATCH)
        place = (place + BATCH) % (len(points) - BATCH)
        optimizer.zero_grad()
        loss(rows, points[rows]).backward()
        optimizer.step()

    return step


def layers(channels: tuple[int, ...], last: bool = False) -> nn.Sequential:
    """Return linear layers, a ReLU between two, and after the last if it is to have one."""
    found: list[nn.Module] = []
    for n, m in pairwise(channels):
        found += [nn.Linear(n, m), nn.ReLU()]
    for part in found[::2]:
        nn.init.normal_(part.weight, std=0.05)  # type: ignore[arg-type]
    return nn.Sequential(*(found if last else found[:-1]))


def bare_pair(points: int, pair: int) -> Step:
    """Return a bare step of a pair of the autoencoder (Eq. 3.6 to 3.9)."""
    first, last = pair == 0, pair == len(CHANNELS) - 2
    wide, narrow = CHANNELS[pair : pair + 2]
    inside: list[nn.Module] = [] if first else [nn.Dropout(0.2)]
    inside += [nn.Linear(wide, narrow)] + ([] if last else [nn.ReLU(), nn.Dropout(0.2)])
    inside += [nn.Linear(narrow, wide)] + ([] if first else [nn.ReLU()])
    net = nn.Sequential(*inside)
    return bare_step(torch.rand(points, wide), net, lambda rows, x: F.mse_loss(net(x), x) / 2)


def bare_whole(points: int) -> Step:
    """Return a bare step of the whole autoencoder."""
    net = nn.Sequential(layers(CHANNELS), layers(CHANNELS[::-1]))
    x = torch.rand(points, CHANNELS[0])
    return bare_step(x, net, lambda rows, x: F.mse_loss(net(x), x) / 2)


class BareDEC(nn.Module):
    """Encoder and centroids (Eq. 3.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = layers(CHANNELS)
        self.centroids = nn.Parameter(torch.randn(CLUSTERS, CHANNELS[-1]))

    def forward(self, x: Tensor) -> Tensor:
        """Return q ``(N, K)`` of points ``(N, d)``."""
        away = (self.encoder(x)[:, None] - self.centroids).square().sum(dim=2)
        q = 1 / (1 + away)
        return q / q.sum(dim=1, keepdim=True)


def bare_dec(points: int) -> Step:
    """Return a bare step of DEC (Eq. 3.2), with the targets that there are."""
    net, p = BareDEC(), torch.rand(points, CLUSTERS).softmax(dim=1)

    def loss(rows: slice, x: Tensor) -> Tensor:
        return F.kl_div(net(x).log(), p[rows], reduction='batchmean')

    return bare_step(torch.rand(points, CHANNELS[0]), net, loss)
