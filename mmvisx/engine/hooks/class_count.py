"""Compare the classes of head and data set before anything runs."""

from __future__ import annotations

from typing import Any

from mmengine.dataset import BaseDataset
from mmpretrain.engine.hooks import ClassNumCheckHook

from mmvisx.models.heads import PredictedHead
from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['ClassCountHook']


@HOOKS.register_module()
class ClassCountHook(ClassNumCheckHook):
    """mmpretrain's check of ``num_classes``, as an error that says what to change.

    Raises:
        UserError: A module has a ``num_classes`` that is not the number of classes of the
            data set it is trained, validated or tested on, or, before a training, the
            validation wants the top k of fewer than k classes.
    """

    def before_train(self, runner: Any) -> None:
        """Check head and training data, and what the first validation would fail at."""
        super().before_train(runner)
        count = _count_of(runner.train_dataloader.dataset)[0]
        metrics = getattr(getattr(runner, 'val_evaluator', None), 'metrics', ())
        for topk in (getattr(metric, 'topk', (1,)) for metric in metrics):
            if count is not None and max(topk) > count:
                raise UserError(
                    f'val_evaluator.topk={tuple(topk)}, but the data set has {count} classes: set '
                    'topk=(1,) of val_evaluator and test_evaluator; --classes does that, too'
                )

    def before_test(self, runner: Any) -> None:
        """Check head and test data, of a taught head also which classes were added."""
        super().before_test(runner)
        head = getattr(unwrap(runner.model), 'head', None)
        dataset = _innermost(runner.test_dataloader.dataset)
        classes = dataset.metainfo.get('classes') if dataset is not None else None
        if not isinstance(head, PredictedHead) or classes is None:
            return
        added = list(classes)[head.num_large :]
        if added != head.names:
            raise UserError(
                f'the classes that were added to this classifier, {", ".join(head.names)}, stand '
                f'behind its {head.num_large} others, but the test data has '
                f'{", ".join(map(str, added))} there: give --classes a file with all names in this '
                'order'
            )

    def _check_head(self, runner: Any, dataset: Any) -> None:
        count, where = _count_of(dataset)
        for name, module in runner.model.named_modules():
            own = getattr(module, 'num_classes', None)
            if count is not None and isinstance(own, int) and own != count:
                place = f'model.{name}'
                if name.endswith('data_preprocessor'):
                    place = 'data_preprocessor (of the config or of model)'
                raise UserError(
                    f'{place}.num_classes={own}, but the data set has {count} classes ({where}); '
                    f'set it to {count} (--classes sets all that count them), or correct the data'
                )


def _count_of(dataset: Any) -> tuple[int | None, str]:
    """Return how many classes a data set has, if it says so, and the folder or list it reads."""
    dataset = _innermost(dataset)
    if dataset is None:
        return None, ''
    classes = dataset.metainfo.get('classes')
    count = len(classes) if classes is not None else getattr(dataset, 'num_classes', None)
    return count, getattr(dataset, 'ann_file', '') or getattr(dataset, 'img_prefix', '')


def _innermost(dataset: Any) -> BaseDataset | None:
    while not isinstance(dataset, BaseDataset):  # ConcatDataset, RepeatDataset ...
        inner = [dataset.dataset] if hasattr(dataset, 'dataset') else None
        inner = inner or getattr(dataset, 'datasets', None)
        if not inner:
            return None
        dataset = inner[0]
    return dataset
