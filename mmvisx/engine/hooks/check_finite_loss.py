"""Stop a training whose loss is not finite while its weights are still good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner, find_latest_checkpoint
from torch import Tensor

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

Terms = Mapping[str, Tensor | Sequence[Tensor]]


@HOOKS.register_module()
class CheckFiniteLossHook(Hook):
    """Raise an error that names the loss terms which are NaN or infinite.

    The check sits between forward and backward, so the weights have not been touched by the
    bad loss. A hook after the iteration, like mmdet's ``CheckInvalidLossHook``, comes after the
    optimizer step. Between checks, when ``interval > 1``, the weights can go bad; no checkpoint
    with such weights is written.

    What is checked are the named terms that ``forward(mode='loss')`` of the model returns, in
    any training loop. A loop or model that makes its losses in another way hands them over before
    it uses them, ``runner.call_hook('after_losses', losses={name: tensor})``.

    Args:
        interval: check every so many iterations, at least 1. On a GPU a check waits for
            the forward pass, so 10 is a good value there.

    Raises:
        UserError: at a loss or, when a checkpoint is saved, a weight that is not finite.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f'interval={interval} should be at least 1')
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Look at what the model returns from here on."""
        look = _LookAtLosses(partial(self.after_losses, runner))
        self._handle = unwrap(runner.model).register_forward_hook(look, with_kwargs=True)

    def after_train(self, runner: Runner) -> None:
        """Look no longer."""
        self._handle.remove()

    def after_losses(self, runner: Runner, losses: Terms) -> None:
        """Check the losses of a step, before anything is made of them."""
        if runner.iter % self.interval == 0:
            bad = non_finite_terms(losses)
            if bad:
                raise UserError(self._message(runner, bad))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to write weights that are not finite."""
        for name, value in checkpoint['state_dict'].items():
            if (
                isinstance(value, Tensor)
                and value.is_floating_point()
                and not torch.isfinite(value).all()
            ):
                raise UserError(self._message(runner, {f'weight {name}': 'not finite'}))

    def _message(self, runner: Runner, bad: Mapping[str, str]) -> str:
        terms = ', '.join(f'{name}={value}' for name, value in bad.items())
        latest = find_latest_checkpoint(runner.work_dir)
        return (
            f'training stopped at epoch {runner.epoch + 1}, iteration {runner.iter + 1}: {terms}. '
            f'{_advice(runner.optim_wrapper)}Last checkpoint: {latest or "none yet"}'
        )


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
