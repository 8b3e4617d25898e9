"""Watch whether co-trained views stay different, and say when they collapse into one."""

from __future__ import annotations

import copy
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmvisx.engine.non_finite import random_state, set_random_state
from mmvisx.ops.co_training_bundles import is_labelled
from mmvisx.ops.co_training_monitor import ViewNumbers, collapsed_pairs, view_numbers
from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import modes_kept, unwrap

__all__ = ['ViewMonitorHook', 'compare_views']


@torch.no_grad()
def compare_views(model: Any, images: Tensor, labels: Tensor) -> ViewNumbers:
    """Attack each view of a co-trained model and see what becomes of all of them.

    The views run as in a test, with running statistics and without dropout; the model stays as it
    was. What an attack may draw at random is drawn.

    Args:
        model: With ``networks`` and ``attacked``, as :class:`mmvisx.CoTrainingClassifier`.
        images: Normalised, ``(N, C, H, W)``, unlabelled ones among them.
        labels: ``(N,)``, below 0 for unlabelled images; the others are attacked with their label.
            Of a :class:`mmvisx.CoTrainingSegmentor` those of pixels, ``(N, H, W)``.
    """
    networks = model.networks
    with modes_kept(model):
        model.eval()
        clean = torch.stack([network(images) for network in networks])
        attacked = []
        for network in networks:
            moved = model.attacked(network, images, labels)
            attacked.append(torch.stack([each(moved) for each in networks]))
    return view_numbers(clean, torch.stack(attacked), ~is_labelled(labels))


@HOOKS.register_module()
class ViewMonitorHook(Hook):
    """Log how alike co-trained views are, and raise the alarm when two have become one.

    At every ``interval``-th step, with the weights before it, all views are compared on the first
    bundle of the step's batch (:func:`mmvisx.ops.co_training_monitor.view_numbers`). The log's
    ``scalars.json`` gets ``view_monitor.`` and ``dif`` (Eq. 3.5, also where ``lambda_dif`` is 0),
    ``dif_kl`` (its part that can be 0), ``own_fooling`` and ``transferred_fooling`` (shares of
    the images, from 0 to 1), ``disagreement`` and ``jsd`` (on unlabelled images), means over views
    or pairs, for ``tools/analysis/co_training_curves.py``. All are of networks as in a test, so
    ``dif`` is not quite the training's, whose batch norm takes the batch's statistics.

    Two views have collapsed when, ``in_a_row`` comparisons long, what fools the one fools the
    other too and they hardly disagree.

    A comparison of two views costs 0.6 of a step, of eight 1.4, so an ``interval`` of 50 takes 1
    to 3 % of the time.

    Args:
        interval: Steps from one comparison to the next.
        near: Transferred fooling that is an alarm, as a share of own fooling.
        apart: Disagreement, a share of the unlabelled images, up to which it is one.
        least: Own fooling below which there is no alarm: too few examples to compare.
        in_a_row: Comparisons.
        on_collapse: ``'warn'``, once, or ``'stop'`` the training.

    Raises:
        UserError: an argument is out of range; the model has no views; at a collapse, with
            ``on_collapse='stop'``.

    Source: 001, 3.3.3.2 and Figure 3-2.
    """

    priority = 'LOW'  # after hooks that change the batch

    def __init__(
        self,
        interval: int = 50,
        near: float = 0.9,
        apart: float = 0.01,
        least: float = 0.02,
        in_a_row: int = 3,
        on_collapse: str = 'warn',
    ) -> None:
        for name, value in (('interval', interval), ('in_a_row', in_a_row)):
            if value < 1:
                raise UserError(f'{name}={value!r} of ViewMonitorHook should be 1 or more')
        for name, share in (('near', near), ('apart', apart), ('least', least)):
            if not 0 <= share <= 1:
                raise UserError(f'{name}={share!r} of ViewMonitorHook should be from 0 to 1')
        if on_collapse not in ('warn', 'stop'):
            raise UserError(f"on_collapse={on_collapse!r} should be 'warn' or 'stop'")
        self.interval = interval
        self.near, self.apart, self.least = near, apart, least
        self.in_a_row = in_a_row
        self.on_collapse = on_collapse
        self._seen: dict[tuple[int, int], int] = {}  # pairs, how often in a row
        self._told = False

    def before_train(self, runner: Runner) -> None:
        """Refuse models without views."""
        model = unwrap(runner.model)
        if not hasattr(model, 'attacked'):
            raise UserError(
                f'ViewMonitorHook: {type(model).__name__} has no views to compare; it is for '
                'mmvisx.CoTrainingClassifier'
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Compare the views, where this step is one of those."""
        step = runner.iter + 1
        if step % self.interval:
            return
        model = unwrap(runner.model)
        device = next(model.parameters()).device
        before = random_state(device)
        # A copy: preprocessing writes into the samples, and the step will do it again.
        batch = model.data_preprocessor(copy.deepcopy(data_batch), True)
        images = batch['inputs']
        labels = model._labels(batch['data_samples'], images)
        size = len(images) // (len(model.networks) // 2)
        numbers = _over_processes(compare_views(model, images[:size], labels[:size]))
        set_random_state(before, device)
        record = {f'view_monitor.{name}': value for name, value in numbers.summary().items()}
        runner.visualizer.add_scalars(dict(iter=step, **record), step=step)
        self._watch(runner, numbers)

    def _watch(self, runner: Runner, numbers: ViewNumbers) -> None:
        pairs = collapsed_pairs(numbers, self.near, self.apart, self.least)
        self._seen = {pair: self._seen.get(pair, 0) + 1 for pair in pairs}
        for (i, j), times in self._seen.items():
            if times >= self.in_a_row and not self._told:
                self._told = True
                self._tell(runner, numbers, i, j)

    def _tell(self, runner: Runner, numbers: ViewNumbers, i: int, j: int) -> None:
        fooled, model = numbers.fooled, unwrap(runner.model)
        message = (
            f'iteration {runner.iter + 1}: views {i} and {j} have collapsed into one: '
            f'their own adversarial examples fool {_percent(fooled[i, i], fooled[j, j])} of the '
            f"time, the other's {_percent(fooled[i, j], fooled[j, i])}, and they disagree on "
            f'{100 * numbers.disagreement[i, j]:.3g} % of the unlabelled images '
            f'({self.in_a_row} comparisons in a row): raise model.lambda_dif (now '
            f'{model.lambda_dif:g}), or start them from different weights with different labelled '
            'images'
        )
        if self.on_collapse == 'stop':
            raise UserError(message)
        runner.logger.warning(message)


def _over_processes(numbers: ViewNumbers) -> ViewNumbers:
    """Return the means over all processes, the same in each."""
    found = torch.stack(list(numbers))
    all_reduce(found, 'mean')
    return ViewNumbers(*found)


def _percent(first: Tensor, second: Tensor) -> str:
    return f'{50 * float(first + second):.3g} %'
