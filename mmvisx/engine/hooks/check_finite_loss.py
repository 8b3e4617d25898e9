"""Stop a training whose loss is not finite while its weights are still good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner, find_latest_checkpoint
from torch import Tensor

from mmvisx.engine.asking import asking, steps_itself
from mmvisx.engine.non_finite import (
    ForwardCall,
    Terms,
    autocast_state,
    bad_gradients,
    first_bad_module,
    image_paths,
    non_finite_terms,
    random_state,
)
from mmvisx.engine.step_record import write_record
from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

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
    that an ``OptimWrapper`` steps with, or each of several (``OptimWrapperDict``) by itself;
    asynchronous SGD drops the batch. Those that are accumulated are looked at in every iteration.
    Those of float16 are left to its scaler, which leaves steps out by itself.

    The message names the terms, the first layer with a bad output, the parameters with bad
    gradients, the images and the learning rate, and a file in the work dir from which
    ``mmvisx replay`` repeats the step. Of several processes all stop, or leave out, the same step:
    they tell each other when the gradients are there, so none waits for another.

    Args:
        interval: check every so many iterations, or steps that gradients are accumulated for,
            at least 1. On a GPU a check waits for the forward pass, so 10 is a good value there.
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
        self.skipped = 0
        self._in_a_row: dict[str, int] = {}  # of each optimizer
        self._call: ForwardCall | None = None
        self._losses: Terms = {}
        self._bad: dict[str, str] = {}
        self._is_kept = False  # what was bad: call and losses, until the step
        self._statistics: list[tuple[Tensor, Tensor]] = []

    def before_train(self, runner: Runner) -> None:
        """Look at what the model gets and returns from here on, and at the gradients."""
        model = unwrap(runner.model)
        before, after = (
            _Look(partial(look, runner)) for look in (self._before_forward, self._after_forward)
        )
        self._handles = [
            model.register_forward_pre_hook(before, with_kwargs=True),
            model.register_forward_hook(after, with_kwargs=True),
        ]
        self._asking = asking(runner.optim_wrapper, partial(self._may_step, runner))
        self._asking.__enter__()

    def after_train(self, runner: Runner) -> None:
        """Look no longer."""
        for handle in self._handles:
            handle.remove()
        self._asking.__exit__(None, None, None)

    def _due(self, runner: Runner) -> bool:
        return runner.iter // _iterations_a_step(runner) % self.interval == 0

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Keep the running statistics, which a bad forward pass spoils."""
        begins = runner.iter % _iterations_a_step(runner) == 0 or not self._statistics
        if self.skips and begins and self._due(runner):
            buffers = list(unwrap(runner.model).buffers())
            self._statistics = [(buffer, buffer.clone()) for buffer in buffers]

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Look at gradients that wait for others, and let the batch go if nothing is bad."""
        if not self._is_kept and _iterations_a_step(runner) > 1 and self._due(runner):
            gradients = self._bad_gradients(runner, runner.optim_wrapper)
            if gradients and not self._has_to_wait(runner):
                raise UserError(self._report(runner, {}, gradients))
            self._is_kept = bool(gradients)
        if not self._is_kept:
            self._call, self._losses = None, {}

    def _before_forward(self, runner: Runner, args: tuple, kwargs: dict[str, Any]) -> None:
        if self._due(runner) and not self._is_kept:
            device = next(unwrap(runner.model).parameters()).device
            state = random_state(device)
            self._call = ForwardCall(args, kwargs, state, autocast_state(device))

    def _after_forward(self, runner: Runner, args: tuple, kwargs: dict, output: Any) -> None:
        if isinstance(output, Mapping):
            self.after_losses(runner, output)

    def after_losses(self, runner: Runner, losses: Terms) -> None:
        """Check the losses of a step, before anything is made of them."""
        if not self._due(runner):
            return
        bad = non_finite_terms(losses)
        if not self._is_kept:
            self._losses = losses
        if not bad:
            return
        if not self._has_to_wait(runner):
            raise UserError(self._report(runner, bad))
        self._bad.update(bad)
        self._is_kept = True

    def _has_to_wait(self, runner: Runner) -> bool:
        """Whether a fault is told at the step, when all processes are there."""
        return steps_itself(runner.optim_wrapper) and (self.skips or get_world_size() > 1)

    @staticmethod
    def _bad_gradients(runner: Runner, optim: OptimWrapper, some: bool = False) -> list[str]:
        scaler = getattr(optim, 'loss_scaler', None)
        if scaler is not None and scaler.is_enabled():
            return []
        parameters = list(unwrap(runner.model).named_parameters())
        if some:
            own = {id(p) for group in optim.param_groups for p in group['params']}
            parameters = [(name, p) for name, p in parameters if id(p) in own]
        return bad_gradients(parameters)

    def _may_step(self, runner: Runner, name: str, optim: OptimWrapper) -> bool:
        """Whether an optimizer, by its name among several, may step; all processes agree."""
        if not self._due(runner):
            return True
        bad, self._bad = self._bad, {}
        gradients = self._bad_gradients(runner, optim, some=bool(name))
        if get_world_size() > 1:
            flag = torch.tensor(float(bool(bad or gradients)))
            all_reduce(flag, 'max')
            stop = bool(flag)
        else:
            stop = bool(bad or gradients)
        in_a_row = self._in_a_row[name] = self._in_a_row.get(name, 0) + 1 if stop else 0
        self._is_kept = False
        if not stop:
            return True
        self.skipped += 1
        self._restore()
        message = self._report(runner, bad, gradients)
        self._restore()  # the report has gone forward again
        if not self.skips:
            raise UserError(message)
        if in_a_row > MOST_IN_A_ROW:
            raise UserError(f'{in_a_row} steps in a row were not finite: {message}')
        runner.logger.warning(
            f'step left out ({self.skipped} in all, {in_a_row} in a row): {message}'
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


def _iterations_a_step(runner: Runner) -> int:
    return getattr(runner.optim_wrapper, '_accumulative_counts', 1)


class _Look:
    """A hook of a network's forward pass; a copy of the network, in no training, has none."""

    def __init__(self, look: Callable[..., None] | None = None) -> None:
        self._look = look

    def __call__(self, _: Any, args: tuple, kwargs: dict[str, Any], *output: Any) -> None:
        if self._look and kwargs.get('mode') == 'loss':
            self._look(args, kwargs, *output)

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


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f'{", ".join(names[:most])}{more}'
