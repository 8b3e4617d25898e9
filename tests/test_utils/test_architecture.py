"""What a checkpoint says of its network is done again before its weights are loaded."""

import pytest
import torch
from torch import nn

from mmvisx.registry import ARCHITECTURES
from mmvisx.utils import UserError
from mmvisx.utils.architecture import Change, Part, keep_entry
from mmvisx.utils.checkpoint import load_weights


@pytest.fixture
def taught():
    """An architecture that nobody else has: a last layer of another number of classes."""

    @ARCHITECTURES.register_module(name='taught_head')
    def teach(model, entry, state):
        if model[-1].out_features == entry['classes']:
            return []
        old, model[-1] = model[-1], nn.Linear(4, entry['classes'])
        return [Change([Part(old.weight)], [Part(model[-1].weight)], tuple(old.weight.shape))]

    @ARCHITECTURES.register_module(name='grown')
    def grow(model, entry, state):
        calls.append((entry, sorted(state), model[-1].out_features))
        return []

    calls = []
    yield calls
    for key in ('taught_head', 'grown'):
        del ARCHITECTURES.module_dict[key]


def network(classes=3):
    return nn.Sequential(nn.Linear(2, 4), nn.Linear(4, classes))


def checkpoint_of(classes):
    torch.manual_seed(classes)
    state = {f'module.{key}': value for key, value in network(classes).state_dict().items()}
    return dict(state_dict=state, meta={})


def test_any_registered_architecture_is_asked(taught):
    checkpoint = checkpoint_of(7)
    keep_entry(checkpoint, 'taught_head', dict(classes=7))
    model, heard = network(), []
    old = model[-1].weight

    def before_weights(changes):
        heard.append([(change.old[0].parameter, change.new[0].parameter) for change in changes])
        assert not torch.equal(model[-1].weight, checkpoint['state_dict']['module.1.weight'])

    assert load_weights(model, checkpoint, 'a.pth', before_weights=before_weights).exact
    (((before, after),),) = heard
    assert before is old
    assert after is model[-1].weight
    assert torch.equal(after, checkpoint['state_dict']['module.1.weight'])
    # Once more: nothing is to be done.
    load_weights(model, checkpoint, 'a.pth', before_weights=heard.append)
    assert heard[1] == []
    assert model[-1].weight is after


def test_entries_are_read_in_the_order_in_which_things_were_done(taught):
    checkpoint = checkpoint_of(7)
    keep_entry(checkpoint, 'taught_head', dict(classes=7))
    keep_entry(checkpoint, 'grown', 'an entry')
    keep_entry(checkpoint, 'taught_head', dict(classes=7))  # the same again
    load_weights(network(), dict(reversed(checkpoint.items())), 'a.pth')
    assert taught == [('an entry', ['0.bias', '0.weight', '1.bias', '1.weight'], 7)]


def test_unknown_architecture_is_refused_with_the_known_ones():
    checkpoint = checkpoint_of(3)
    keep_entry(checkpoint, 'folded', {})
    with pytest.raises(
        UserError,
        match=r"checkpoint a\.pth is of a network that 'folded' has changed.*"
        r'known: few_shot, few_shot_boxes, network_slimming, neural_rejuvenation\)',
    ):
        load_weights(network(), checkpoint, 'a.pth')


def test_entries_of_others_are_no_architectures():
    """As Lightning's and timm's checkpoints have them."""
    checkpoint = checkpoint_of(3) | dict(callbacks={}, arch='resnet50', hyper_parameters={})
    assert load_weights(network(), checkpoint, 'a.pth').exact
