"""A label that the head does not have stops training and testing, and names the image."""

from types import SimpleNamespace

import pytest
import torch
from mmpretrain.structures import DataSample

from mmvisx.engine.hooks import CheckLabelsHook
from mmvisx.engine.hooks.check_labels import find_bad_label
from mmvisx.utils import UserError


def sample(label, path='a.png'):
    """A labelled sample."""
    return DataSample(metainfo=dict(img_path=path)).set_gt_label(label)


def runner(classes):
    """A runner whose model has a head."""
    model = torch.nn.Module()
    model.head = torch.nn.Identity()
    model.head.num_classes = classes
    return SimpleNamespace(model=model)


@pytest.mark.parametrize('stage', ['train', 'val', 'test'])
@pytest.mark.parametrize('label', [3, -1])
def test_the_image_is_named(stage, label):
    batch = dict(data_samples=[sample(0), sample(label, 'cats/7.png'), sample(2)])
    call = getattr(CheckLabelsHook(), f'before_{stage}_iter')
    message = rf'label {label} of cats/7\.png \({stage} data\) is outside 0 to 2.*num_classes=3'
    with pytest.raises(UserError, match=message):
        call(runner(3), 0, data_batch=batch)
    batch['data_samples'].pop(1)
    call(runner(3), 0, data_batch=batch)


def test_several_labels_of_an_image():
    assert find_bad_label([sample([0, 5]), sample([1])], 5) == (5, 'a.png')
    assert find_bad_label([sample([0, 4])], 5) is None


def test_nothing_to_check():
    hook = CheckLabelsHook()
    hook.before_train_iter(runner(None), 0, data_batch=dict(data_samples=[sample(9)]))
    hook.before_train_iter(SimpleNamespace(model=torch.nn.Module()), 0, data_batch=dict())
    hook.before_test_iter(runner(2), 0, data_batch=dict(data_samples=[DataSample()]))
