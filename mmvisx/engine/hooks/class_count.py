"""Compare the classes of head and data set before anything runs."""

from __future__ import annotations

from typing import Any

from mmengine.dataset import BaseDataset
from mmpretrain.engine.hooks import ClassNumCheckHook

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError

__all__ = ['ClassCountHook']


@HOOKS.register_module()
class ClassCountHook(ClassNumCheckHook):
    """mmpretrain's check of ``num_classes``, as an error that says what to change.

    Raises:
        UserError: A module has a ``num_classes`` that is not the number of classes of the
            data set it is trained, validated or tested on.
    """

    def _check_head(self, runner: Any, dataset: Any) -> None:
        while not isinstance(dataset, BaseDataset):  # ConcatDataset, RepeatDataset ...
            inner = getattr(dataset, 'dataset', None)
            dataset = inner if inner is not None else dataset.datasets[0]
        classes = dataset.metainfo.get('classes')
        count = len(classes) if classes is not None else getattr(dataset, 'num_classes', None)
        if count is None:
            return
        for name, module in runner.model.named_modules():
            own = getattr(module, 'num_classes', None)
            if isinstance(own, int) and own != count:
                where = getattr(dataset, 'ann_file', '') or getattr(dataset, 'img_prefix', '')
                raise UserError(
                    f'model.{name}.num_classes={own}, but the data set has {count} classes '
                    f'({where}); set num_classes of the head to {count}, or correct the data'
                )
