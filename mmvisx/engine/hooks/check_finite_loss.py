"""Stop a training whose loss is not finite while its weights are still good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner, find_latest_checkpoint
from torch import Tensor

from mmvisx.engine.non_finite import (
    ForwardCall,
    autocast_state,
    bad_gradients,
    first_bad_module,
    image_paths,
    random_state,
)
from mmvisx.engine.step_record import write_record
from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import mixed_in, unwrap

Terms = Mapping[str, Tensor | Sequence[Tensor]]


MOST_IN_A_ROW = 10
"""Steps that ``on_non_finite='skip'`` leaves out one after the other, before it stops."""
MOST_RECORDS = 3  # files of a training that skips


@HOOKS.register_module()
class CheckFiniteLossHook(Hook):
    """Stop at, or leave out, a step whose loss or gradient is NaN or infinite.

    The losses are looked at between forward and backward, the gradients between backward and the
    optimizer's step, before they are clipped, so the weights have not been touched. A hook after
    the iteration, like mmdet's ``CheckInvalidLossHook``, comes after the optimizer step. Between
    checks, when ``interval > 1``, the weights can go bad; no checkpoint with such weights is
    written.

    What is checked are the named terms that ``forward(mode='loss')`` of the model returns, in
    any training loop. A loop or model that makes its losses in another way hands them over before
    it uses them, ``runner.call_hook('after_losses', losses={name: tensor})``. Gradients are those
    that an ``OptimWrapper`` steps with; of float16 its scaler looks at them, which leaves steps out
    by itself, and several optimizers (``OptimWrapperDict``) are not looked at.

    The message names the terms, the first layer with a bad output, the parameters with bad
    gradients, the images and the learning rate, and a file in the work dir from which
    ``mmvisx replay`` repeats the step. Of several processes all stop, or leave out, the same step:
    they tell each other when the gradients are there, so none waits for another.

    Args:
        interval: check every so many iterations, at least 1. On a GPU a check waits for
            the forward pass, so 10 is a good value there.
        on_non_finite: ``'stop'`` or ``'skip'``: the step is left out, running statistics are as
            before it, and the log counts; after 10 in a row the training stops.

    Raises:
        UserError: at a loss, a gradient or, when a checkpoint is saved, a weight that is not
            finite.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 1, on_non_finite: str = 'stop') -> None:
        if interval < 1:
            raise ValueError(f'interval={interval} should be at least 1')
        if on_non_finite not in ('stop', 'skip'):
            raise ValueError(f"on_non_finite={on_non_finite!r} should be 'stop' or 'skip'")
        self.interval = interval
        self.skips = on_non_finite == 'skip'
        self.skipped = self._in_a_row = 0
        self._call: ForwardCall | None = None
        self._losses: Terms = {}
        self._bad: dict[str, str] = {}
        self._statistics: list[tuple[Tensor, Tensor]] = []

    def before_train(self, runner: Runner) -> None:
        """Look at what the model gets and returns from here on, and at the gradients."""
        model = unwrap(runner.model)
        look = _Look(partial(self._before_forward, runner))
        self._handles = [
            model.register_forward_pre_hook(look, with_kwargs=True),
            model.register_forward_hook(
                _LookAtLosses(partial(self.after_losses, runner)), with_kwargs=True
            ),
        ]
        self._mixed = ExitStack()
        if not isinstance(runner.optim_wrapper, OptimWrapperDict):
            may = partial(self._may_step, runner)
            self._mixed.enter_context(mixed_in(runner.optim_wrapper, _AskBeforeStep, may_step=may))

    def after_train(self, runner: Runner) -> None:
        """Look no longer."""
        for handle in self._handles:
            handle.remove()
        self._mixed.close()

    def _due(self, runner: Runner) -> bool:
        return runner.iter % self.interval == 0

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Keep the running statistics, which a bad forward pass spoils."""
        if self.skips and self._due(runner):
            buffers = list(unwrap(runner.model).buffers())
            self._statistics = [(buffer, buffer.clone()) for buffer in buffers]

    def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
        """Let the batch go."""
        self._call, self._losses = None, {}

    def _before_forward(self, runner: Runner, args: tuple, kwargs: dict[str, Any]) -> None:
        if self._due(runner):
            device = next(unwrap(runner.model).parameters()).device
            state = random_state(device)
            self._call = ForwardCall(args, kwargs, state, autocast_state(device))

    def after_losses(self, runner: Runner, losses: Terms) -> None:
        """Check the losses of a step, before anything is made of them."""
        if not self._due(runner):
            return
        self._losses = losses
        bad = non_finite_terms(losses)
        if not bad:
            return
        together = self._has_step(runner) and (self.skips or get_world_size() > 1)
        if not together:
            raise UserError(self._report(runner, bad))
        self._bad.update(bad)  # until all know

    @staticmethod
    def _has_step(runner: Runner) -> bool:
        return isinstance(runner.optim_wrapper, _AskBeforeStep)

    def _may_step(self, runner: Runner) -> bool:
        """Whether the optimizer may step; all processes answer the same."""
        if not self._due(runner):
            return True
        bad, self._bad = self._bad, {}
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        gradients: list[str] = []
        if scaler is None or not scaler.is_enabled():
            gradients = bad_gradients(list(unwrap(runner.model).named_parameters()))
        if get_world_size() > 1:
            flag = torch.tensor(float(bool(bad or gradients)))
            all_reduce(flag, 'max')
            stop = bool(flag)
        else:
            stop = bool(bad or gradients)
        if not stop:
            self._in_a_row = 0
            return True
        self.skipped, self._in_a_row = self.skipped + 1, self._in_a_row + 1
        self._restore()
        message = self._report(runner, bad, gradients)
        self._restore()  # the report has gone forward again
        if not self.skips:
            raise UserError(message)
        if self._in_a_row > MOST_IN_A_ROW:
            raise UserError(f'{self._in_a_row} steps in a row were not finite: {message}')
        runner.logger.warning(
            f'step left out ({self.skipped} in all, {self._in_a_row} in a row): {message}'
        )
        return False

    def _restore(self) -> None:
        for buffer, before in self._statistics:
            buffer.copy_(before)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to write weights that are not finite."""
        for name, value in checkpoint['state_dict'].items():
            if (
                isinstance(value, Tensor)
                and value.is_floating_point()
                and not torch.isfinite(value).all()
            ):
                raise UserError(self._message(runner, {f'weight {name}': 'not finite'}))

    def _report(self, runner: Runner, bad: Mapping[str, str], gradients: Sequence[str] = ()) -> str:
        """Write the record and return the message."""
        call = self._call
        if call is None:
            return self._message(runner, bad, gradients)
        details = []
        if self.skipped <= MOST_RECORDS:
            details.append(write_record(runner, call, self._losses))
        module = first_bad_module(unwrap(runner.model), call)
        if module is not None:
            details.insert(0, f'First layer with such an output: {module}. ')
        paths = image_paths((call.args, call.kwargs))
        if paths:
            details.insert(0, f'Images: {_listed(paths)}. ')
        return self._message(runner, bad, gradients, ''.join(details))

    def _message(
        self,
        runner: Runner,
        bad: Mapping[str, str],
        gradients: Sequence[str] = (),
        details: str = '',
    ) -> str:
        found = [f'{name}={value}' for name, value in bad.items()]
        if gradients:
            found.append(f'gradients not finite: {_listed(gradients)}')
        latest = find_latest_checkpoint(runner.work_dir)
        what = 'training stopped' if not self.skips else 'training'
        return (
            f'{what} at epoch {runner.epoch + 1}, iteration {runner.iter + 1}: '
            f'{", ".join(found) or "in another process"}. {details}'
            f'{_advice(runner.optim_wrapper)}Last checkpoint: {latest or "none yet"}'
        )


class _AskBeforeStep:
    """An optimizer wrapper that asks before it steps."""

    may_step: Callable[[], bool]

    def step(self, **kwargs: Any) -> None:
        if self.may_step():
            super().step(**kwargs)  # type: ignore[misc]


class _Look:
    """A hook before the forward pass of a network, which its copies do not have."""

    def __init__(self, look: Callable[[tuple, dict[str, Any]], None] | None = None) -> None:
        self._look = look

    def __call__(self, _: Any, args: tuple, kwargs: dict[str, Any]) -> None:
        if self._look and kwargs.get('mode') == 'loss':
            self._look(args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class _LookAtLosses:
    """A forward hook of a network; a copy of the network, which is in no training, has none."""

    def __init__(self, look: Callable[[Terms], None] | None = None) -> None:
        self._look = look

    def __call__(self, _: Any, args: tuple, kwargs: Mapping[str, Any], output: Any) -> None:
        if self._look and kwargs.get('mode') == 'loss' and isinstance(output, Mapping):
            self._look(output)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


def _advice(optim: Any) -> str:
    rates = sorted({rate for rates in optim.get_lr().values() for rate in rates})
    if not rates:  # nothing goes down a gradient
        return ''
    return (
        f'Lower optim_wrapper.optimizer.lr (now {", ".join(f"{r:.3g}" for r in rates)}), '
        f'lengthen the warm-up, or clip gradients with optim_wrapper.clip_grad '
        f'(now {getattr(optim, "clip_grad_kwargs", None) or "off"}); '
        'with --amp, train without it. '
    )


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
    return {n: str(v) for n, v in zip(names, stacked.tolist(), strict=True) if not _finite(v)}


def _finite(value: float) -> bool:
    return value - value == 0


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f'{", ".join(names[:most])}{more}'
