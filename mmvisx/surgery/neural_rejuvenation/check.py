"""Check on a network's output that its channels go where the channel graph says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .graph import ChannelGraph, get_norm

__all__ = ['check_groups']

FACTOR = 64.0  # large enough to reach the bend of ReLU6
TOLERANCE = 1e-7  # relative, in double precision; a wrong graph changes far more
UNFOLLOWED = (
    'the graph of its channels is not right (an operation across channels, or an activation that '
    'is not 0 at 0)'
)


@torch.no_grad()
def check_groups(
    model: nn.Module, graph: ChannelGraph, forward: Callable[[], Any]
) -> dict[int, str]:
    """Find the groups that the graph is wrong about; mark those that cannot be rescaled.

    Half of the neurons of every group are taken, M. The graph is right if

    - with the weights that read M at zero, scales and shifts of M have no effect: nothing
      else reads M;
    - with scales and shifts of M at zero, these weights have no effect: they read nothing
      else, and the activation in between is 0 at 0.

    This is done for the first half of the neurons and for a random one.

    A group can be rescaled if multiplying its scales and shifts and dividing what reads them
    by 64 changes nothing, as with ReLU, but not ReLU6.

    Args:
        model: A copy of the network in double precision, whose statistics will change. It is
            put into training mode, where batch normalisation keeps all signals large.
        forward: Runs it on images.

    Returns:
        The reason by index of a wrong group.
    """
    model.train()
    state = {key: value.clone() for key, value in model.state_dict().items()}

    def run(*edits: Callable[[], None]) -> list[Tensor]:
        model.load_state_dict(state)
        for edit in edits:
            edit()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # dropout
            return list(_flat(forward()))

    everything = list(range(len(graph.groups)))

    def sound(groups: Sequence[int]) -> bool:
        # Not one half alone: another order of the channels may map it to itself.
        for edit in (_Edits(model, graph, groups, False), _Edits(model, graph, groups, True)):
            removed = run(edit.silence, edit.deafen)
            if not (_same(run(edit.deafen), removed) and _same(run(edit.silence), removed)):
                return False
        return True

    def homogeneous(groups: Sequence[int]) -> bool:
        return _same(run(), run(_Edits(model, graph, groups, True).rescale))

    failed = dict.fromkeys(_failing(everything, sound), UNFOLLOWED)
    rest = [index for index in everything if index not in failed]
    for index in _failing(rest, homogeneous):
        graph.groups[index].homogeneous = False
    model.load_state_dict(state)
    return failed


class _Edits:
    """Changes of half of the neurons of some groups."""

    def __init__(
        self, model: nn.Module, graph: ChannelGraph, groups: Sequence[int], shuffle: bool
    ) -> None:
        self.model = model
        self.graph = graph
        self.chosen = {}
        generator = torch.Generator().manual_seed(len(groups))
        for index in groups:
            width = graph.groups[index].width
            order = torch.randperm(width, generator=generator) if shuffle else torch.arange(width)
            self.chosen[index] = order[: (width + 1) // 2]

    def _norms(self, index: int) -> list[_BatchNorm]:
        return [get_norm(self.model, name) for name in self.graph.groups[index].norms]

    def deafen(self) -> None:
        """Set the weights that read the neurons to zero."""
        self._scale_readers(0.0)

    def _scale_readers(self, factor: float) -> None:
        for index, neurons in self.chosen.items():
            for layer in self.graph.readers(index):
                weight = _weight(self.model, layer.name)
                start = 0
                for segment in layer.inputs:
                    if segment.group == index:
                        offsets = torch.arange(segment.repeat)
                        columns = (start + neurons[:, None] * segment.repeat + offsets).flatten()
                        weight[:, columns.to(weight.device)] *= factor
                    start += segment.features

    def silence(self) -> None:
        """Set the neurons' scales and shifts to zero."""
        for index, neurons in self.chosen.items():
            for norm in self._norms(index):
                norm.weight[neurons] = 0
                norm.bias[neurons] = 0

    def rescale(self) -> None:
        """Multiply scales and shifts, divide what reads them."""
        for index, neurons in self.chosen.items():
            group = self.graph.groups[index]
            for norm in self._norms(index):
                norm.weight[neurons] *= FACTOR
                norm.bias[neurons] *= FACTOR
            for name in group.convs[1:]:
                _weight(self.model, name)[neurons] /= FACTOR
        self._scale_readers(1 / FACTOR)


def _weight(model: nn.Module, name: str) -> Tensor:
    module = model.get_submodule(name)
    assert isinstance(module, nn.Conv2d | nn.Linear)
    return module.weight


def _failing(groups: list[int], test: Callable[[Sequence[int]], bool]) -> list[int]:
    """Groups that fail, found by halving."""
    if not groups or test(groups):
        return []
    if len(groups) == 1:
        return groups
    half = len(groups) // 2
    return [*_failing(groups[:half], test), *_failing(groups[half:], test)]


def _same(ours: list[Tensor], others: list[Tensor]) -> bool:
    return all(
        bool((a - b).abs().max() <= TOLERANCE * b.abs().max().clamp(min=1e-30))
        for a, b in zip(ours, others, strict=True)
        if a.numel()
    )


def _flat(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value] if value.is_floating_point() else []
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _flat(item)]
    return []
