"""Asynchronous SGD: every part of a multi-task model steps when enough images have reached it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from mmvisx.registry import OPTIM_WRAPPERS
from mmvisx.structures.losses import StepLosses
from mmvisx.utils.errors import UserError

from .bfloat16_wrapper import dense_in_bfloat16

__all__ = ['TRUNK', 'AsynchronousSGD']

TRUNK = 'trunk'
DTYPES = (None, 'bfloat16', 'float16')


@OPTIM_WRAPPERS.register_module()
class AsynchronousSGD(OptimWrapperDict):
    r"""Step each part of a multi-task model after as many images as it wants.

    A batch has a random number of images of each task. So the shared trunk and each task's own
    part keep a counter of the images that have reached them and the sum of their gradients. At
    the end of a batch, a part whose counter has reached its period steps with the mean gradient
    over these images,

    .. math:: g = \frac{1}{c} \sum_{batches} \sum_{t} n_t \nabla L_t,

    and both start from zero again: :math:`n_t` images of the batch are annotated for task t,
    :math:`L_t` is their mean loss, and c counts images: for the trunk those annotated for any
    task, for a task's part those of the task, which only :math:`L_t` reaches. The other parts are
    not touched: no step, no momentum, no weight decay.

    With batches of one image this is the algorithm image by image. In a larger batch all images
    see the weights from before it, and a counter can go beyond its period; the mean is over
    what has been counted. With all periods 1 and one task it is SGD. What has not reached its
    period at the end of a training is lost.

    In distributed training the counters are summed over the processes. A part can have a
    parameter schedule of its own: ``param_scheduler=dict(trunk=[...], {task}=[...])``; a list
    is for all parts.

    Args:
        trunk_images: Period of the trunk.
        task_images: Period of every task's part, or ``{task: period}``.
        dtype: None for float32; ``'bfloat16'`` as ``mmvisx.BFloat16OptimWrapper``;
            ``'float16'``: the forward pass under autocast, and the loss scaled. There a batch
            whose gradient is not finite is dropped: no counter counts it.
        loss_scale: First scale of the loss in float16, which adapts itself.
        optim_wrappers: One for the trunk, ``trunk``, and one for each task, as
            ``mmvisx.AsynchronousSGDConstructor`` builds them from
            ``optimizer=dict(type='SGD', ...)``, ``paramwise_cfg`` and ``clip_grad``. A part
            without trainable parameters has none.

    Raises:
        UserError: a period below 1 or of no task, an unknown ``dtype``, or a model whose loss
            does not say what each task gives (:class:`~mmvisx.structures.losses.StepLosses`).

    Source: 002, section 6.1, "Optimization", which refers to UberNet, Table 3; the periods 20
    and 10 are the author's code's.
    """

    def __init__(
        self,
        trunk_images: int = 20,
        task_images: int | Mapping[str, int] = 10,
        dtype: str | None = None,
        loss_scale: float = 2.0**16,
        **optim_wrappers: OptimWrapper,
    ) -> None:
        if dtype not in DTYPES:
            raise UserError(f'AsynchronousSGD: dtype={dtype!r} is none of {DTYPES}')
        super().__init__(**optim_wrappers)
        tasks = [name for name in optim_wrappers if name != TRUNK]
        if isinstance(task_images, Mapping):
            if set(task_images) != set(tasks):
                raise UserError(
                    f'AsynchronousSGD: task_images has {sorted(task_images)}, the model has the '
                    f'tasks {sorted(tasks)}: one period each'
                )
            periods = dict(task_images)
        else:
            periods = dict.fromkeys(tasks, task_images)
        self.periods = {TRUNK: trunk_images, **periods}
        for name, period in self.periods.items():
            if not isinstance(period, int) or period < 1:
                raise UserError(
                    f'AsynchronousSGD: {name} would step after {period!r} images; give 1 or more'
                )
        self.dtype = dtype
        self.counts = dict.fromkeys(optim_wrappers, 0)
        self._pending = {name: self._nothing(name) for name in optim_wrappers}
        self.loss_scaler = (
            torch.amp.GradScaler(_device(self), init_scale=loss_scale)
            if dtype == 'float16'
            else None
        )

    def _parameters(self, name: str) -> list[nn.Parameter]:
        groups = self.optim_wrappers[name].optimizer.param_groups
        return [p for group in groups for p in group['params']]

    def _nothing(self, name: str) -> list[Tensor | None]:
        return [None] * len(self._parameters(name))

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Be in ``dtype`` for the duration of a forward pass in training."""
        context: AbstractContextManager = nullcontext()
        if self.dtype == 'bfloat16':
            context = dense_in_bfloat16(model)
        elif self.dtype == 'float16':
            context = torch.autocast(_device(self), torch.float16)
        with context:
            yield

    def update_params(
        self,
        loss: StepLosses | Tensor,
        step_kwargs: dict | None = None,
        zero_kwargs: dict | None = None,
    ) -> None:
        """Run the backward pass of a batch, count its images, step the parts that are due.

        Args:
            loss: From the ``parse_losses`` of a model with tasks, each ``()``. One without is
                refused.
            step_kwargs: For ``step`` of the optimizer wrappers.
            zero_kwargs: Not used: gradients are taken, not zeroed.
        """
        if not isinstance(loss, StepLosses):
            raise UserError(
                'AsynchronousSGD needs to know the loss of each task: use it with '
                'mmvisx.MultiTaskSegmentor, or return StepLosses from parse_losses of the model'
            )
        self.backward(_sum_over_images(loss))
        images = _global_counts(loss)
        if self.accepts_batch():
            self._collect(images)
            for name, count in self.counts.items():
                if count >= self.periods[name]:
                    self._step(name, **(step_kwargs or {}))
        for name in self.optim_wrappers:
            for parameter in self._parameters(name):
                parameter.grad = None

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Run the backward pass of a loss ``()``, scaled in float16."""
        if self.loss_scaler is not None:
            loss = self.loss_scaler.scale(loss)
        loss.backward(**kwargs)

    def accepts_batch(self) -> bool:
        """Take float16's scale off the gradients; False where they are not finite then."""
        if self.loss_scaler is None:
            return True
        finite = True
        for name, wrapper in self.optim_wrappers.items():
            grads = [p.grad for p in self._parameters(name) if p.grad is not None]
            if grads:
                self.loss_scaler.unscale_(wrapper.optimizer)
                finite &= all(bool(grad.isfinite().all()) for grad in grads)
        self.loss_scaler.update()
        return finite

    def _collect(self, images: Mapping[str, int]) -> None:
        """Add the gradients of a batch to what waits."""
        shared = get_world_size() > 1
        for name, pending in self._pending.items():
            if not images[name]:
                continue
            self.counts[name] += images[name]
            for k, parameter in enumerate(self._parameters(name)):
                grad = parameter.grad
                if grad is None:
                    continue
                waiting = pending[k]
                if waiting is not None:
                    waiting.add_(grad)
                else:
                    # Distributed, it may be a view of a buffer that the next batch overwrites.
                    pending[k] = grad.clone() if shared else grad

    def _step(self, name: str, **kwargs: Any) -> None:
        """Step one part with the mean gradient over the images it has seen."""
        # Distributed training has averaged the processes' sums.
        factor = get_world_size() / self.counts[name]
        wrapper = self.optim_wrappers[name]
        for parameter, grad in zip(self._parameters(name), self._pending[name], strict=True):
            parameter.grad = None if grad is None else grad.mul_(factor)
        wrapper.step(**kwargs)
        self.counts[name] = 0
        self._pending[name] = self._nothing(name)

    def state_dict(self) -> dict:
        """Return the state of each part's optimizer, its counter and its waiting gradients."""
        state: dict[str, Any] = super().state_dict()
        state['asynchronous'] = dict(counts=dict(self.counts), pending=self._pending)
        if self.loss_scaler is not None:
            state['loss_scaler'] = self.loss_scaler.state_dict()
        return state

    def load_state_dict(self, state_dict: dict) -> None:
        """Load what :meth:`state_dict` has returned.

        Raises:
            UserError: it is of another optimizer wrapper, or of a model with other parts.
        """
        state = dict(state_dict)
        own = state.pop('asynchronous', None)
        scaler = state.pop('loss_scaler', None)
        sizes = None if own is None else {k: len(v) for k, v in own['pending'].items()}
        wanted = {name: len(self._nothing(name)) for name in self.optim_wrappers}
        if own is None or sizes != wanted:
            raise UserError(
                'the checkpoint is not of a run with AsynchronousSGD and these parts (parameters '
                f'in the checkpoint: {sizes}, in the model: {wanted}): resume with the config of '
                'the run'
            )
        super().load_state_dict(state)
        if scaler is not None and self.loss_scaler is not None:
            self.loss_scaler.load_state_dict(scaler)
        self.counts = dict(own['counts'])
        for name in self.optim_wrappers:
            self._pending[name] = [
                # Mixed precision keeps parameters and gradients in float32.
                None if grad is None else grad.to(parameter)
                for parameter, grad in zip(
                    self._parameters(name), own['pending'][name], strict=True
                )
            ]


def _device(wrapper: OptimWrapperDict) -> str:
    parameters = (p for w in wrapper.optim_wrappers.values() for p in w.param_groups[0]['params'])
    return str(next(iter(parameters)).device.type)


def _sum_over_images(step: StepLosses) -> Tensor:
    """Return the sum of the losses over images: the mean of each task times its images."""
    terms = [loss * step.images[task] for task, loss in step.losses.items()]
    return torch.stack(terms).sum()


def _global_counts(step: StepLosses) -> dict[str, int]:
    """Return how many images of all processes' batches reach each part."""
    names = [TRUNK, *step.images]
    counts = torch.tensor([step.batch, *step.images.values()], device=step.total.device)
    all_reduce(counts)
    return dict(zip(names, counts.tolist(), strict=True))
