"""Co-train views that do not differ, to see what their difference is good for."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['EqualViewsHook']


@HOOKS.register_module()
class EqualViewsHook(Hook):
    """Give all views of a co-trained model the same start and those of a pair the same images.

    For experiments only: the views of a :class:`mmvisx.CoTrainingClassifier` or
    :class:`mmvisx.CoTrainingSegmentor` begin with the weights of the first one, and in every bundle
    b_2 is replaced by b_1, so two views stay one network.

    Raises:
        UserError: when training starts, the model has no views, or they differ in architecture.

    Source: 001, 3.3.3.2, whether "two models tend to collapse into each other".
    """

    def before_train(self, runner: Runner) -> None:
        """Copy the first view's weights, unless the run is resumed."""
        model = unwrap(runner.model)
        if not hasattr(model, 'views'):
            raise UserError(f'EqualViewsHook: {type(model).__name__} has no views')
        if runner.iter > 0:
            return
        start = model.views[0].state_dict()
        for index, view in enumerate(model.views):
            try:
                view.load_state_dict(start)
            except RuntimeError as error:
                raise UserError(
                    f'EqualViewsHook: view {index} is another network than view 0 and cannot '
                    'start with its weights: give all model.views one config'
                ) from error

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Replace b_2 by b_1."""
        batch: Any = data_batch
        images, samples = batch['inputs'], batch['data_samples']
        size = len(samples) // (len(unwrap(runner.model).views) // 2)
        for start in range(0, len(samples), size):
            b = sum(map(_has_label, samples[start : start + size])) // 2
            for k in range(start, start + b):
                # Preprocessing writes into samples, label maps that are padded for example
                images[k + b], samples[k + b] = images[k], copy.deepcopy(samples[k])


def _has_label(sample: Any) -> bool:
    return 'gt_sem_seg' in sample or ('gt_label' in sample and bool(sample.gt_label >= 0))
