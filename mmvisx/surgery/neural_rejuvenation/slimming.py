"""Network slimming, the pruning that Table 5-IV of 001 compares Neural Rejuvenation with."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.registry import ARCHITECTURES
from mmvisx.utils.architecture import Change, Part, check_layers
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import modes_kept

__all__ = [
    'SLIMMED',
    'SlimmingScore',
    'convolution_weights',
    'rebuild_slimmed',
    'replay_slimming',
    'slim',
    'slimmed_norms',
]

SLIMMED = 'network_slimming'  # the key of a checkpoint's entry
# Module, whether its outputs (or else its inputs) were pruned, and which.
History = list[tuple[str, bool, list[int]]]


class SlimmingScore(tp.importance.BNScaleImportance):
    """Score channels by ``|gamma|`` of their norm, without a scale of each layer's own.

    Channels that are tied (by a depthwise convolution) get their mean. Those that are added to
    a residual stream have no score and stay, as under Neural Rejuvenation. The best channel of
    a layer has an infinite one: a layer without channels would cut the network.

    Source: reference [181] of 001, Table 5-IV.
    """

    def __init__(self) -> None:
        super().__init__(group_reduction='mean', normalizer=None)

    def __call__(self, group: Any, **kwargs: Any) -> Tensor | None:
        """Return scores ``(channels,)`` of a group of Torch-Pruning's, or ``None``."""
        if any('Add' in dependency.target.name for dependency, _ in group):
            return None
        scores = super().__call__(group, **kwargs)
        if scores is None or len(scores) == 0:
            return None
        scores = scores.clone()
        scores[scores.argmax()] = torch.inf
        return scores


def convolution_weights(model: nn.Module) -> int:
    """Count the weights of the convolutions, the cost that utilisation counts (5.3.1.2)."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return sum(m.weight.numel() for m in model.modules() if isinstance(m, kinds))


def slimmed_norms(model: nn.Module, images: Tensor) -> list[_BatchNorm]:
    """Return the norms whose scales are penalised and compared; images ``(N, C, H, W)``."""
    score = SlimmingScore()
    graph = _pruner(model, images, 0).DG
    return [
        dependency.target.module
        for group in graph.get_all_groups(root_module_types=[nn.Conv2d])
        if score(group) is not None
        for dependency, _ in group
        if isinstance(dependency.target.module, _BatchNorm)
    ]


def slim(model: nn.Module, images: Tensor, target: float) -> History:
    """Remove the channels with the smallest ``|gamma|`` of all layers together.

    As many as it takes to have ``target`` of the convolutions' weights at most. What is pruned
    has new parameters: an optimizer has to be told.

    Args:
        model: Network whose forward pass takes images; changed in place.
        images: ``(N, C, H, W)``, to trace it.
        target: Share of the weights that is left, between 0 and 1.

    Returns:
        What was pruned, for :func:`replay_slimming`.

    Raises:
        UserError: ``target`` is out of range, or more than what scales can remove: the
            convolutions of a residual stream stay, and one channel of each layer.

    Source: reference [181] of 001, with Torch-Pruning's graph, scores and ranking; 001 names
    the sizes it arrives at in Table 5-IV.
    """
    if not 0 < target < 1:
        raise UserError(f'target={target!r} of network slimming must lie between 0 and 1')
    goal = target * convolution_weights(model)
    channels, layers = _sizes(model, images)
    # The infinite scores are not to be reached.
    low, high = 0, channels - layers
    if high <= 0 or _left_after(model, images, high, channels) > goal:
        raise UserError(
            f'target={target!r} of network slimming is out of reach: removing all but one of the '
            f'{channels} channels of each of {layers} layers leaves more. Residual streams and '
            'layers without batch norm are not pruned'
        )
    while high - low > 1:
        middle = (low + high) // 2
        if _left_after(model, images, middle, channels) > goal:
            low = middle
        else:
            high = middle
    return _remove(model, images, high, channels)


def replay_slimming(model: nn.Module, history: History, images: Tensor) -> None:
    """Give a fresh network the shapes of a slimmed one, so that its weights can be loaded.

    Args:
        images: ``(N, C, H, W)``, to trace it.
    """
    frozen = not any(parameter.requires_grad for parameter in model.parameters())
    if frozen:  # a running average: there is nothing to trace without gradients
        model.requires_grad_(True)
    with modes_kept(model), torch.enable_grad():  # tracing puts it into evaluation mode
        graph = tp.DependencyGraph().build_dependency(model, example_inputs=images)
        graph.load_pruning_history(list(history))
    if frozen:
        model.requires_grad_(False)


@ARCHITECTURES.register_module(name=SLIMMED)
def rebuild_slimmed(
    model: nn.Module, entry: Mapping[str, Any], state: Mapping[str, Tensor]
) -> list[Change]:
    """Give a network the numbers of channels of a slimmed one.

    Args:
        model: The network as its config builds it; one that has them already is left alone.
        entry: ``history``, what :func:`slim` returned, and ``shape``, ``(C, H, W)`` of the image
            that the network was traced with.
        state: The checkpoint's weights.

    Raises:
        UserError: the network has no layers of these names.
    """
    names = list(dict.fromkeys(name for name, _, _ in entry['history']))
    check_layers(model, names, 'slimmed')
    shapes = {f'{name}.weight': model.get_parameter(f'{name}.weight').shape for name in names}
    if all(name in state and state[name].shape == shape for name, shape in shapes.items()):
        return []
    before = dict(model.named_parameters())
    device = next(iter(before.values())).device
    replay_slimming(model, entry['history'], torch.zeros(1, *entry['shape'], device=device))
    return [
        Change([Part(before[name])], [Part(parameter)], tuple(before[name].shape))
        for name, parameter in model.named_parameters()
        if parameter is not before[name]
    ]


def _pruner(model: nn.Module, images: Tensor, ratio: float) -> Any:
    with modes_kept(model):  # tracing puts it into evaluation mode
        return tp.pruner.BNScalePruner(
            model,
            images,
            importance=SlimmingScore(),
            global_pruning=True,
            pruning_ratio=ratio,
            root_module_types=[nn.Conv2d],
        )


def _scores(model: nn.Module, images: Tensor) -> Iterator[Tensor]:
    score = SlimmingScore()
    for group in _pruner(model, images, 0).DG.get_all_groups(root_module_types=[nn.Conv2d]):
        scores = score(group)
        if scores is not None:
            yield scores


def _sizes(model: nn.Module, images: Tensor) -> tuple[int, int]:
    """Return how many channels have a score, and in how many layers."""
    sizes = [len(scores) for scores in _scores(model, images)]
    return sum(sizes), len(sizes)


def _remove(model: nn.Module, images: Tensor, number: int, channels: int) -> History:
    # Torch-Pruning keeps int(channels * (1 - ratio)); half a channel is for rounding.
    pruner = _pruner(model, images, (number - 0.5) / channels)
    pruner.step()
    return list(pruner.pruning_history())


def _left_after(model: nn.Module, images: Tensor, number: int, channels: int) -> int:
    trial = copy.deepcopy(model)
    _remove(trial, images, number, channels)
    return convolution_weights(trial)
