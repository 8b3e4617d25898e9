"""What neural rejuvenation does to a runner around the network: wrapper, averages, schedules."""

from __future__ import annotations

import copy
import gc
from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseAveragedModel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.optim import Optimizer

from mmvisx.models.utils.neural_rejuvenation_graph import ChannelGraph
from mmvisx.models.utils.neural_rejuvenation_optimizer import update_optimizer
from mmvisx.models.utils.neural_rejuvenation_rebuild import apply_architecture
from mmvisx.utils.checkpoint import REJUVENATED

__all__ = [
    'averages_of',
    'optimizers_of',
    'rebuild_for_checkpoint',
    'refresh_runner',
    'unwrap',
]


def unwrap(model: nn.Module) -> nn.Module:
    """Return the network inside the wrapper for distributed training."""
    return model.module if is_model_wrapper(model) else model  # type: ignore[return-value]


def optim_wrappers_of(runner: Runner) -> list[OptimWrapper]:
    """Return the optimizer wrappers of a training, none before they are built."""
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):
        return list(wrapper.values())
    return [wrapper] if isinstance(wrapper, OptimWrapper) else []


def optimizers_of(runner: Runner) -> list[Optimizer]:
    """Return the optimizers of a training, none before they are built."""
    return [wrapper.optimizer for wrapper in optim_wrappers_of(runner)]


def averaged_models(runner: Runner) -> list[BaseAveragedModel]:
    """Return the running averages that hooks keep (EMA)."""
    models = (getattr(hook, 'ema_model', None) for hook in runner.hooks)
    return [model for model in models if isinstance(model, BaseAveragedModel)]


def averages_of(runner: Runner) -> list[nn.Module]:
    """Return the networks inside the running averages."""
    return [model.module for model in averaged_models(runner)]


def refresh_runner(runner: Runner) -> None:
    """Renew what refers to parameters that have been replaced."""
    for average in averaged_models(runner):
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


def rebuild_for_checkpoint(runner: Runner, checkpoint: Mapping[str, Any]) -> ChannelGraph | None:
    """Give network, averages and optimizers the layers that a checkpoint was written with.

    Does nothing where they have them already, or where the checkpoint is of a network that was
    not rejuvenated.

    Returns:
        The channel graph that the checkpoint stores.

    Raises:
        UserError: the checkpoint was written by another version.
    """
    content = checkpoint.get(REJUVENATED)
    if content is None:
        return None
    graph = ChannelGraph.from_dict(content['graph'])
    changes = apply_architecture(unwrap(runner.model), graph)
    if changes:
        for average in averages_of(runner):
            apply_architecture(average, graph)
        for optimizer in optimizers_of(runner):
            update_optimizer(optimizer, changes)
        refresh_runner(runner)
    return graph


class Restart:
    """The start of a training's schedules, to begin them anew.

    Args:
        runner: A training that has not begun.
    """

    def __init__(self, runner: Runner) -> None:
        self.schedulers = [copy.deepcopy(s.state_dict()) for s in _schedulers(runner)]
        self.groups = [
            [
                {key: copy.deepcopy(value) for key, value in group.items() if key != 'params'}
                for group in optimizer.param_groups
            ]
            for optimizer in optimizers_of(runner)
        ]
        loop = runner.train_loop
        self.max_epochs, self.max_iters = loop.max_epochs, loop.max_iters

    def extend(self, runner: Runner, epoch: int, iteration: int) -> None:
        """Let the training end as long after ``epoch`` or ``iteration`` as it was to last."""
        loop = runner.train_loop
        if isinstance(loop, EpochBasedTrainLoop):
            loop._max_epochs = epoch + self.max_epochs
            loop._max_iters = loop._max_epochs * len(loop.dataloader)
        else:
            loop._max_iters = iteration + self.max_iters
        runner.message_hub.update_info('max_epochs', loop.max_epochs)
        runner.message_hub.update_info('max_iters', loop.max_iters)

    def schedules(self, runner: Runner) -> None:
        """Set rates and schedules to their start."""
        for scheduler, state in zip(_schedulers(runner), self.schedulers, strict=True):
            scheduler.load_state_dict(copy.deepcopy(state))
        for optimizer, groups in zip(optimizers_of(runner), self.groups, strict=True):
            for group, settings in zip(optimizer.param_groups, groups, strict=True):
                group.update(copy.deepcopy(settings))
        for wrapper in optim_wrappers_of(runner):
            wrapper._max_counts = runner.max_iters
            wrapper._remainder_counts = runner.max_iters % wrapper._accumulative_counts


def _schedulers(runner: Runner) -> list[Any]:
    schedulers = runner.param_schedulers or []
    if isinstance(schedulers, dict):
        return [scheduler for part in schedulers.values() for scheduler in part]
    return list(schedulers)
