"""Head and data set have to have the same classes."""

from types import SimpleNamespace
from typing import ClassVar

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from torch import nn

from mmvisx.engine.hooks import ClassCountHook
from mmvisx.utils import UserError


class Data(BaseDataset):
    """Three classes."""

    METAINFO: ClassVar[dict] = dict(classes=('a', 'b', 'c'))

    def load_data_list(self):
        """One image."""
        return [dict(img_path='a.png')]


def run(classes, dataset):
    """Call the hook before a training."""
    model = nn.Module()
    model.head = nn.Linear(2, 2)
    model.head.num_classes = classes
    model.other = nn.Linear(2, 2)
    model.other.num_classes = None
    runner = SimpleNamespace(
        model=model, train_dataloader=SimpleNamespace(dataset=dataset), val_dataloader=None
    )
    ClassCountHook().before_train(runner)


@pytest.mark.parametrize(
    'wrap', [lambda d: d, lambda d: RepeatDataset(d, 2), lambda d: ConcatDataset([d, d])]
)
def test_the_counts_are_compared(wrap):
    run(3, wrap(Data()))
    message = r'model\.head\.num_classes=4, but the data set has 3 classes'
    with pytest.raises(UserError, match=message):
        run(4, wrap(Data()))


def test_nothing_to_compare_with():
    run(4, [dict(img_path='a.png')])  # a data set that says nothing of itself
    data = Data()
    data._metainfo.pop('classes')
    run(4, data)
    data.num_classes = 5
    with pytest.raises(UserError, match='data set has 5 classes'):
        run(4, data)


def test_the_preprocessor_is_not_called_a_head():
    model = nn.Module()
    model.data_preprocessor = nn.Identity()
    model.data_preprocessor.num_classes = 10
    runner = SimpleNamespace(model=model, train_dataloader=SimpleNamespace(dataset=Data()))
    with pytest.raises(UserError, match=r'^data_preprocessor .*num_classes=10') as caught:
        ClassCountHook().before_train(runner)
    assert 'head' not in str(caught.value)


def test_more_best_answers_than_classes_are_an_error_before_the_training():
    metric = SimpleNamespace(topk=(1, 5))
    runner = SimpleNamespace(
        model=nn.Module(),
        train_dataloader=SimpleNamespace(dataset=Data()),
        val_evaluator=SimpleNamespace(metrics=[SimpleNamespace(), metric]),
    )
    with pytest.raises(UserError, match=r'topk=\(1, 5\), but the data set has 3 classes'):
        ClassCountHook().before_train(runner)
    metric.topk = (1, 3)
    ClassCountHook().before_train(runner)
