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
    data = Data()
    data._metainfo.pop('classes')
    run(4, data)
    data.num_classes = 5
    with pytest.raises(UserError, match='data set has 5 classes'):
        run(4, data)
