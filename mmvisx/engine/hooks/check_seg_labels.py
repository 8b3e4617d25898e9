"""Stop at a segmentor that has other classes than its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel
from mmengine.runner import Runner
from torch import Tensor, nn

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['CheckSegLabelsHook', 'heads_of']


def heads_of(model: nn.Module) -> Iterator[tuple[str, str, Any]]:
    """Yield task (empty where there is one only), place in the config and head of a segmentor."""
    model = unwrap(model, BaseTTAModel)
    several: Any = getattr(model, 'task_heads', None)
    if several is not None:
        for task, head in several.items():
            yield task, f'model.task_heads.{task}', head
        return
    for index, view in enumerate(getattr(model, 'views', ())):
        for task, place, head in heads_of(view):
            yield task, place.replace('model', f'model.views.{index}', 1), head
    for name in ('decode_head', 'auxiliary_head'):
        part = getattr(model, name, None)
        heads = part if isinstance(part, nn.ModuleList) else [part]
        for index, head in enumerate(heads):
            # An auxiliary head of one class finds outlines.
            if getattr(head, 'num_classes', None) not in (None, 1):
                place = f'model.{name}'
                yield '', f'{place}.{index}' if head is not part else place, head


@HOOKS.register_module()
class CheckSegLabelsHook(Hook):
    """Compare the classes of each head with its data set's, and with every label map.

    Without it a label that the head does not have ends a training in PyTorch's "Target is out of
    bounds", or in a failed kernel on a GPU, and a head with more classes than the data trains on.

    Label maps are looked at where the loader has left them, before they go to the device.

    Raises:
        UserError: Before training, validation or test: ``num_classes`` of a head is not the
            number of the data set's classes. Later: a label map has a label that is neither one
            of them nor ignored.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Compare with the training data, and with the validation data as soon."""
        self._compare(runner, runner.train_dataloader.dataset, 'training')
        if runner.val_loop is not None:
            self._compare(runner, runner.val_dataloader.dataset, 'validation')

    def before_val(self, runner: Runner) -> None:
        """Compare with the validation data."""
        self._compare(runner, runner.val_dataloader.dataset, 'validation')

    def before_test(self, runner: Runner) -> None:
        """Compare with the test data."""
        self._compare(runner, runner.test_dataloader.dataset, 'test')

    def _compare(self, runner: Runner, dataset: Any, what: str) -> None:
        meta = getattr(dataset, 'metainfo', {})
        for task, place, head in heads_of(runner.model):
            classes = (meta.get('tasks', {}).get(task, {}) if task else meta).get('classes')
            if classes is None or len(classes) == head.num_classes:
                continue
            which = f'{what} data' + (f' of the task {task!r}' if task else '')
            known = ', '.join(map(str, classes[:3])) + (', ...' if len(classes) > 3 else '')
            raise UserError(
                f'{place}.num_classes={head.num_classes}, but the {which} have {len(classes)} '
                f'classes ({known}): set num_classes to {len(classes)}'
                + ('' if task else ', or both with --classes')
                + ', or correct metainfo of the data set'
            )

    def _before_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, mode: str = 'train'
    ) -> None:
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
        if samples and isinstance(samples[0], list):  # several views (--tta): those of the first
            samples = samples[0]
        for task, place, head in heads_of(runner.model):
            field = f'gt_sem_seg_{task}' if task else 'gt_sem_seg'
            for sample in samples or ():
                wrong = _outside(sample.get(field).data, head) if field in sample else []
                if wrong:
                    meta = sample.metainfo
                    path = meta.get('seg_map_path') or meta.get('img_path')
                    raise UserError(
                        f'the label map of {path} ({mode} data) has the label {wrong[0]}, outside '
                        f'0 to {head.num_classes - 1} ({place}.num_classes={head.num_classes}; '
                        f'{head.ignore_index} is ignored): correct the map, or the classes'
                    )


def _outside(labels: Tensor, head: Any) -> list[int]:
    bad = (labels >= head.num_classes) & (labels != head.ignore_index)
    return torch.unique(labels[bad]).tolist() if bool(bad.any()) else []
