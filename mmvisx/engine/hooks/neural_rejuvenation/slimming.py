"""Network slimming in a training, to compare Neural Rejuvenation with (001, Table 5-IV)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmvisx.engine.hooks.architecture import ArchitectureHook
from mmvisx.registry import HOOKS
from mmvisx.surgery.neural_rejuvenation import SLIMMED, slim
from mmvisx.surgery.neural_rejuvenation.slimming import convolution_weights, slimmed_norms
from mmvisx.utils.errors import UserError
from mmvisx.utils.screen import ON_SCREEN

__all__ = ['NetworkSlimmingHook']


@HOOKS.register_module()
class NetworkSlimmingHook(ArchitectureHook):
    """Train with a penalty on batch norm's scales, prune once, and go on training.

    Until ``prune_epoch`` the gradient of each scale gets ``penalty * sign(gamma)``. Then the
    channels with the smallest ``|gamma|`` of the whole network go, as many as it takes to have
    ``target`` of the convolutions' weights at most, and the learning rate is set back to its
    first value; the optimizer's momentum starts anew. What schedule follows is that of
    ``param_scheduler`` with ``begin=prune_epoch``. Scales of a residual stream are left alone,
    as Neural Rejuvenation leaves them.

    A checkpoint holds what was pruned, so that it is resumed, tested and loaded as others.

    Args:
        target: Share of the convolutions' weights that is left, between 0 and 1.
        penalty: Factor of the L1 term, 1e-4 for VGG and 1e-5 for ResNet and DenseNet in
            reference [181] of 001.
        prune_epoch: Epoch before which to prune; from 1.

    Raises:
        UserError: An argument is out of range; the target is out of reach, see
            :func:`mmvisx.surgery.slim`; the training is distributed, is one by
            iterations, ends before ``prune_epoch`` or averages its weights.

    Source: reference [181] of 001, the rows "Network Slimming" of Table 5-IV.
    """

    key = SLIMMED
    priority = 'NORMAL'

    def __init__(self, target: float = 0.5, penalty: float = 1e-4, prune_epoch: int = 160) -> None:
        if not 0 < target < 1:
            raise UserError(f'target={target!r} of NetworkSlimmingHook must lie between 0 and 1')
        if penalty < 0:
            raise UserError(f'penalty={penalty!r} of NetworkSlimmingHook must not be below 0')
        if not isinstance(prune_epoch, int) or prune_epoch < 1:
            raise UserError(f'prune_epoch={prune_epoch!r} of NetworkSlimmingHook must be from 1')
        self.target = target
        self.penalty = penalty
        self.prune_epoch = prune_epoch
        self._done: dict[str, Any] | None = None
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def before_train(self, runner: Runner) -> None:
        """Check what can go wrong, and start the penalty."""
        if is_model_wrapper(runner.model):
            raise UserError('NetworkSlimmingHook prunes on one device only: train without launcher')
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise UserError('NetworkSlimmingHook does not prune the average of EMAHook: remove it')
        limit = runner.max_epochs
        if limit is None or not self.prune_epoch < limit:
            raise UserError(
                f'prune_epoch={self.prune_epoch} of NetworkSlimmingHook must lie below '
                f'train_cfg.max_epochs, which is {limit}'
            )
        for group in runner.optim_wrapper.param_groups:
            group.setdefault('initial_lr', group['lr'])  # where no schedule has set it

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Begin the penalty with the first batch, prune when it is time."""
        if self._done is not None:
            return
        if runner.epoch >= self.prune_epoch:
            self._slim(runner, self._shape(runner, data_batch))
        elif not self._handles:
            self._penalise(runner, self._shape(runner, data_batch))

    @staticmethod
    def _shape(runner: Runner, batch: Any) -> tuple[int, ...]:
        return tuple(runner.model.data_preprocessor(batch, False)['inputs'].shape[1:])

    def _penalise(self, runner: Runner, shape: tuple[int, ...]) -> None:
        # The gradient may be scaled (float16), and is divided when gradients are accumulated.
        def add(scale: nn.Parameter) -> Callable[[Tensor], Tensor]:
            def hook(gradient: Tensor) -> Tensor:
                wrapper = runner.optim_wrapper
                scaler = getattr(wrapper, 'loss_scaler', None)
                factor = scaler.get_scale() if scaler is not None else 1.0
                factor /= getattr(wrapper, '_accumulative_counts', 1)
                return gradient + self.penalty * factor * scale.detach().sign()

            return hook

        for norm in slimmed_norms(runner.model, _blank(runner, shape)):
            self._handles.append(norm.weight.register_hook(add(norm.weight)))

    def _slim(self, runner: Runner, shape: tuple[int, ...]) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
        before = convolution_weights(runner.model)
        names = {parameter: name for name, parameter in runner.model.named_parameters()}
        history = slim(runner.model, _blank(runner, shape), self.target)
        self._done = dict(history=history, shape=shape)
        self._tell_optimizer(runner, names)
        for group in runner.optim_wrapper.param_groups:
            group['lr'] = group['initial_lr']
        after = convolution_weights(runner.model)
        runner.logger.info(
            f'NetworkSlimmingHook: {before:,} weights of convolutions, {after:,} left '
            f'({after / before:.4f})',
            extra=ON_SCREEN,
        )
        runner.message_hub.update_scalar('train/slimming_left', after / before)

    @staticmethod
    def _tell_optimizer(runner: Runner, names: dict[nn.Parameter, str]) -> None:
        now = dict(runner.model.named_parameters())
        for group in runner.optim_wrapper.param_groups:
            group['params'] = [now[names[parameter]] for parameter in group['params']]
        runner.optim_wrapper.optimizer.state.clear()

    def entry(self) -> dict[str, Any] | None:
        """Return what was pruned, and the shape of the image it was traced with."""
        return self._done

    def adopt(self, runner: Runner, entry: dict[str, Any]) -> None:
        """Prune no more: the network is as small as the checkpoint's."""
        self._done = entry


def _blank(runner: Runner, shape: tuple[int, ...]) -> Tensor:
    """Return an image to trace the network with."""
    return torch.zeros(1, *shape, device=next(runner.model.parameters()).device)
