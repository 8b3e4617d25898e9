"""Log how large the steps are against the weights, and warn when a training goes wrong."""

from __future__ import annotations

from statistics import median
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['UpdateRatioHook', 'update_ratio']

_FIRST_LOSS = 'update_ratio_first_loss'


def update_ratio(before: list[Tensor], after: list[Tensor]) -> float:
    """Return ``|after - before| / |before|``, Euclidean norms over all tensors together.

    The tensors of both lists have any shape, ``(...)``, the same in pairs.

    NaN where all weights are zero, which have no scale to compare with.
    """
    step = torch.stack([(b - a).float().norm() for a, b in zip(before, after, strict=True)]).norm()
    size = torch.stack([a.float().norm() for a in before]).norm()
    return (step / size).item() if size > 0 else float('nan')


@HOOKS.register_module()
class UpdateRatioHook(Hook):
    """Log the ratio of weight updates to weights, and watch the loss.

    At every ``interval``-th iteration the weights are copied before the optimizer's step and
    compared with those after it. The log line shows the median ratio as ``update_ratio``, and
    ``scalars.json`` has all of them as ``update_ratio.{name}``, for
    ``tools/analysis/plot_log.py --keys``. One warning names the extremes of those outside
    ``healthy``. During a warm-up and at the end of a cosine, where the learning rate is close
    to 0, so are the ratios.

    At every iteration the loss is compared with that of the first one. An upward run through
    ``loss_factor`` times as much is a warning, or the end of the training.

    Args:
        interval: Iterations from one measurement to the next.
        by: ``'layer'``: the weight (not bias, not normalisation) of each layer. ``'group'``:
            all parameters of each of the optimizer's groups.
        healthy: Lowest and highest ratio that is not warned of.
        loss_factor: How many times its start the loss may reach.
        stop: Stop the training at such a loss, as the document advises for a search of
            learning rates, instead of a warning.

    Raises:
        UserError: an argument is out of range; the loss passes its limit with ``stop=True``.

    Source: 004, slides 57 and 61: the ratio should be "somewhere around 0.01 - 0.001", "if
    the cost is ever > 3 * original cost, break out early".
    """

    priority = 'NORMAL'  # before the logger

    def __init__(
        self,
        interval: int = 50,
        by: str = 'layer',
        healthy: tuple[float, float] = (1e-3, 1e-2),
        loss_factor: float = 3.0,
        stop: bool = False,
    ) -> None:
        if interval < 1:
            raise UserError(f'interval={interval} of UpdateRatioHook should be at least 1')
        if by not in ('layer', 'group'):
            raise UserError(f"by={by!r} of UpdateRatioHook is not 'layer' or 'group'")
        if len(healthy) != 2 or not 0 <= healthy[0] < healthy[1]:
            raise UserError(f'healthy={healthy!r} should be a lowest and a highest ratio')
        if not loss_factor > 1:
            raise UserError(f'loss_factor={loss_factor!r} should be above 1')
        self.interval = interval
        self.by = by
        self.healthy = tuple(healthy)
        self.loss_factor = loss_factor
        self.stop = stop
        self._before: dict[str, list[Tensor]] | None = None
        self._above = False

    def _parts(self, runner: Runner) -> dict[str, list[Tensor]]:
        if self.by == 'group':
            groups = enumerate(runner.optim_wrapper.param_groups)
            return {f'group{i}': [p for p in g['params'] if p.requires_grad] for i, g in groups}
        return {
            name.removesuffix('.weight'): [parameter]
            for name, parameter in unwrap(runner.model).named_parameters()
            if name.endswith('.weight') and parameter.dim() > 1 and parameter.requires_grad
        }

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Copy the weights, where this iteration is measured."""
        if (runner.iter + 1) % self.interval == 0:
            parts = self._parts(runner).items()
            self._before = {name: [p.detach().clone() for p in ps] for name, ps in parts if ps}

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any | None = None,
        outputs: Any | None = None,
    ) -> None:
        """Log the ratios; look at the loss."""
        if outputs is not None and 'loss' in outputs:
            self._watch(runner, torch.as_tensor(outputs['loss']).detach().item())
        if self._before is None:
            return
        before, self._before = self._before, None
        now = self._parts(runner)
        ratios = {name: update_ratio(old, now[name]) for name, old in before.items()}
        if not any(ratios.values()):
            return  # gradients are being accumulated
        ratios = {name: ratio for name, ratio in ratios.items() if ratio == ratio}
        if ratios:
            runner.message_hub.update_scalar('train/update_ratio', median(ratios.values()))
            record = {f'update_ratio.{name}': ratio for name, ratio in ratios.items()}
            step = runner.iter + 1
            runner.visualizer.add_scalars(dict(iter=step, **record), step=step)
            self._warn(runner, ratios)

    def _warn(self, runner: Runner, ratios: dict[str, float]) -> None:
        low, high = self.healthy
        below = {name: ratio for name, ratio in ratios.items() if ratio < low}
        above = {name: ratio for name, ratio in ratios.items() if ratio > high}
        parts = []
        if below:
            name = min(below, key=lambda n: below[n])
            parts.append(f'{len(below)} below (lowest {name}: {below[name]:.2g})')
        if above:
            name = max(above, key=lambda n: above[n])
            parts.append(f'{len(above)} above (highest {name}: {above[name]:.2g})')
        if parts:
            runner.logger.warning(
                f'iteration {runner.iter + 1}: update/weight ratio outside {low:g} to {high:g}: '
                f'{", ".join(parts)}, of {len(ratios)}'
            )

    def _watch(self, runner: Runner, loss: float) -> None:
        first = runner.message_hub.get_info(_FIRST_LOSS)
        if first is None:
            # Kept with the checkpoint, so that a resumed run compares with the true start.
            runner.message_hub.update_info(_FIRST_LOSS, loss)
            return
        above = loss > self.loss_factor * first
        if above and not self._above:
            message = (
                f'iteration {runner.iter + 1}: the loss is {loss:.4g}, more than '
                f'{self.loss_factor:g} times its start of {first:.4g}: lower '
                'optim_wrapper.optimizer.lr or lengthen the warm-up'
            )
            if self.stop:
                raise UserError(message)
            runner.logger.warning(message)
        self._above = above
