"""What in a training refers to a network's parameters, and follows when they are replaced."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import BaseAveragedModel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer

from mmvisx.surgery.optimizer import update_optimizer
from mmvisx.utils.architecture import Change, rebuild

__all__ = [
    'averages_of',
    'follow_checkpoint',
    'optim_wrappers_of',
    'optimizers_of',
    'refresh_runner',
]


def optim_wrappers_of(runner: Runner) -> list[OptimWrapper]:
    """Return the optimizer wrappers of a training, none before they are built."""
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):
        return list(wrapper.values())
    return [wrapper] if isinstance(wrapper, OptimWrapper) else []


def optimizers_of(runner: Runner) -> list[Optimizer]:
    """Return the optimizers of a training, none before they are built."""
    return [wrapper.optimizer for wrapper in optim_wrappers_of(runner)]


def _averaged_models(runner: Runner) -> list[BaseAveragedModel]:
    """Return the running averages that hooks keep (EMA)."""
    models = (getattr(hook, 'ema_model', None) for hook in runner.hooks)
    return [model for model in models if isinstance(model, BaseAveragedModel)]


def averages_of(runner: Runner) -> list[nn.Module]:
    """Return the networks inside the running averages."""
    return [model.module for model in _averaged_models(runner)]


def refresh_runner(runner: Runner) -> None:
    """Renew what refers to parameters that have been replaced: averages, distributed wrapper."""
    for average in _averaged_models(runner):
        average.avg_parameters = (
            average.module.state_dict()
            if average.update_buffers
            else dict(average.module.named_parameters())
        )
    if is_model_wrapper(runner.model):
        inner = runner.model.module
        runner.model = inner
        gc.collect()  # the old wrapper listens to parameters until it is gone
        runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), inner)


def follow_checkpoint(
    runner: Runner, checkpoint: Mapping[str, Any], changes: Sequence[Change]
) -> None:
    """Let averages, optimizers and wrapper follow a network rebuilt for a checkpoint.

    Args:
        runner: Its network has been rebuilt; the weights have not been loaded yet.
        checkpoint: The checkpoint.
        changes: What :func:`~mmvisx.utils.architecture.rebuild` returned for the network.
    """
    if not changes:
        return
    for average in averages_of(runner):
        rebuild(average, checkpoint, 'of the running average')
    for optimizer in optimizers_of(runner):
        update_optimizer(optimizer, changes)
    refresh_runner(runner)
