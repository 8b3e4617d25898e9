"""The inside of a wrapped network, and modes that come back."""

import re
from pathlib import Path

import pytest
from mmengine.model import BaseAveragedModel, BaseTTAModel, ExponentialMovingAverage
from torch import nn

import mmvisx
from mmvisx.utils.modules import modes_kept, unwrap


class Views(BaseTTAModel):
    """Test-time augmentation around anything."""

    def __init__(self, module):
        nn.Module.__init__(self)
        self.module = module

    def merge_preds(self, data_samples_list):
        return data_samples_list


def test_unwrap_goes_through_every_wrapper_and_no_network():
    network = nn.Sequential(nn.Linear(2, 2))
    network.module = nn.Identity()  # a name that networks may have, too
    assert unwrap(network) is network
    assert unwrap(nn.DataParallel(nn.DataParallel(network))) is network


def test_unwrap_goes_through_views_and_averages_where_asked():
    network = nn.Linear(2, 2)
    views = Views(nn.DataParallel(network))
    assert unwrap(views) is views
    assert unwrap(nn.DataParallel(views), BaseTTAModel) is network
    average = ExponentialMovingAverage(network)
    assert unwrap(average, BaseAveragedModel) is average.module


def test_modes_come_back_one_by_one_even_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()))
    model.train()
    model[1][0].eval()

    def run():
        with modes_kept(model):
            model.eval()
            model[1][0].train()
            raise RuntimeError('inside')

    with pytest.raises(RuntimeError, match='inside'):
        run()
    assert [part.training for part in model.modules()] == [True, True, True, False, True]


def test_there_is_one_unwrap():
    """Seven places did it by hand, some through one wrapper and some through all."""
    by_hand = re.compile(r'def _?unwrap|\.module if is_model_wrapper|while is_model_wrapper')
    package = Path(mmvisx.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob('*.py')
        if by_hand.search(path.read_text())
    }
    assert found == {'utils/modules.py'}
