"""The inside of a wrapped network, and modes that come back."""

import ast
import copy
import pickle
import re
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseAveragedModel, BaseTTAModel, ExponentialMovingAverage
from torch import nn

import mmvisx
from mmvisx.utils.modules import mix_in, mixed_in, modes_kept, unwrap


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


class Doubled(nn.Module):
    """Gives twice what the layer gives."""

    def forward(self, x):
        return 2 * super().forward(x)


class Shifted(nn.Module):
    """Adds ``shift`` to what the layer gives."""

    def forward(self, x):
        return super().forward(x) + self.shift


class OwnLinear(nn.Linear):
    """A subclass as it stands."""

    def forward(self, x):
        return 3 * super().forward(x)


def test_mixins_change_what_a_layer_does_and_nothing_else():
    layer, x = nn.Linear(2, 3), torch.randn(4, 2)
    plain, names, state = layer(x), set(vars(layer)), layer.state_dict()
    mix_in(layer, Doubled)
    mix_in(layer, Doubled)
    assert torch.equal(layer(x), 2 * plain)
    layer.shift = 1.0
    mix_in(layer, Shifted)
    assert torch.equal(layer(x), 2 * plain + 1)
    assert isinstance(layer, nn.Linear)
    assert set(vars(layer)) == names | {'shift'}
    assert all(layer.state_dict()[key] is not None for key in state)
    other = nn.Linear(2, 3)
    assert torch.equal(other(x), nn.Linear.forward(other, x))  # the class itself is as it was


def test_mixed_layers_are_pickled_and_copied():
    layer, x = nn.Linear(2, 3), torch.randn(4, 2)
    mix_in(layer, Doubled)
    layer.shift = 1.0
    mix_in(layer, Shifted)
    expected = layer(x)
    copies = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    for again in (*copies, copy.copy(layer)):
        assert type(again) is type(layer)
        assert torch.equal(again(x), expected)
    copies[0].weight.data.zero_()
    assert torch.equal(layer(x), expected)


def test_a_subclass_that_can_be_imported_is_taken_as_it_is():
    layer = nn.Linear(2, 3)
    mix_in(layer, OwnLinear)
    assert type(layer) is OwnLinear


def test_a_mixin_for_a_while():
    layer, x = nn.Linear(2, 3), torch.randn(4, 2)
    plain, names = layer(x), set(vars(layer))

    def run():
        with mixed_in(layer, Shifted, shift=2.0):
            assert torch.equal(layer(x), plain + 2)
            raise RuntimeError('inside')

    with pytest.raises(RuntimeError, match='inside'):
        run()
    assert (type(layer), set(vars(layer))) == (nn.Linear, names)
    assert torch.equal(layer(x), plain)


LABELS = {'__cause__', '__doc__', '__module__', '__name__', '__qualname__'}


def replaced(tree):
    """Yield what a module replaces on objects that are not its own while a program runs."""
    functions = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in (t for t in node.targets if isinstance(t, ast.Attribute)):
                own = isinstance(target.value, ast.Name) and target.value.id == 'self'
                function = isinstance(node.value, ast.Lambda) or (
                    isinstance(node.value, ast.Name) and node.value.id in functions
                )
                special = target.attr.startswith('__') and target.attr not in LABELS
                if special or (function and not own):
                    yield target.attr
        elif isinstance(node, ast.Call) and ast.unparse(node).startswith('setattr('):
            yield from () if ast.unparse(node.args[0]) == 'self' else ('setattr',)


def test_two_kinds_of_patches_are_left_in_one_place_each():
    """Methods were replaced in six more ways, most of which could be neither seen nor pickled."""
    package = Path(mmvisx.__file__).parent
    found = {
        (str(path.relative_to(package)), what)
        for path in package.rglob('*.py')
        # The command line is no part of a training: options go to argparse's own objects.
        if path.relative_to(package).parts[0] != 'cli'
        for what in replaced(ast.parse(path.read_text()))
        # What changes built networks puts layers in the place of layers.
        if what != 'setattr' or path.relative_to(package).parts[0] != 'surgery'
    }
    assert found == {
        ('utils/modules.py', '__class__'),
        ('engine/hooks/random_state.py', '__getitems__'),
        # Of the library, whose own functions write checkpoints and read them
        ('engine/checkpoints.py', 'save_checkpoint'),
        ('utils/checkpoint.py', 'setattr'),
    }
