"""torchvision's networks as backbones: the same outputs, its weights, errors."""

import pytest
import torch
import torchvision

from mmvisx.models.backbones import TorchvisionFeatures
from mmvisx.utils import UserError

GOOGLENET = dict(
    name='googlenet',
    layers=['inception4a', 'inception5b'],
    arguments=dict(aux_logits=False, init_weights=False),
)


def test_googlenet_has_torchvisions_outputs_with_its_weights(tmp_path):
    theirs = torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False)
    torch.save(theirs.state_dict(), tmp_path / 'googlenet.pth')
    ours = TorchvisionFeatures(
        **GOOGLENET, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'googlenet.pth'))
    )
    ours.init_weights()
    classifier = 1000 * 1025
    assert sum(p.numel() for p in ours.parameters()) == 6_624_904 - classifier
    assert sum(p.numel() for p in theirs.parameters()) == 6_624_904
    seen = []
    for name in GOOGLENET['layers']:
        getattr(theirs, name).register_forward_hook(lambda _, __, out: seen.append(out))
    images = torch.randn(1, 3, 96, 96)
    ours.eval()
    theirs.eval()
    with torch.no_grad():
        theirs(images)
        for out, expected in zip(ours(images), seen, strict=True):
            torch.testing.assert_close(out, expected)
    again = TorchvisionFeatures(**GOOGLENET)
    again.load_state_dict(ours.state_dict())


def test_training_mode_reaches_the_network():
    model = TorchvisionFeatures(**GOOGLENET)
    before = model.body.conv1.bn.running_mean.clone()
    model.train()
    model(torch.randn(2, 3, 64, 64))
    assert not torch.equal(before, model.body.conv1.bn.running_mean)
    model.eval()
    before = model.body.conv1.bn.running_mean.clone()
    model(torch.randn(2, 3, 64, 64))
    assert torch.equal(before, model.body.conv1.bn.running_mean)


@pytest.mark.parametrize(
    ('name', 'layers', 'frozen', 'learnt', 'channels'),
    [
        # Branches, and layers that both outputs need.
        (
            'googlenet',
            ['inception3a', 'inception3b'],
            ('conv1', 'conv2', 'conv3', 'inception3a'),
            ('inception3b',),
            (256, 480),
        ),
        # Parameters that belong to no layer of the graph: scales, and norms over channels.
        (
            'convnext_tiny',
            ['features.1', 'features.2'],
            ('features.0', 'features.1'),
            ('features.2',),
            (96, 192),
        ),
    ],
)
def test_frozen_is_what_the_outputs_need(name, layers, frozen, learnt, channels):
    with torch.device('meta'):
        model = TorchvisionFeatures(name, layers, frozen_stages=1)
    assert model.out_channels == channels
    found = {
        key.removeprefix('body.'): parameter.requires_grad
        for key, parameter in model.named_parameters()
    }
    for key, learns in found.items():
        assert key.startswith(learnt if learns else frozen), key
    for part in frozen + learnt:
        assert any(key.startswith(part) for key in found), part


def test_channels_are_found_without_a_trace():
    model = TorchvisionFeatures('mobilenet_v3_small', ['features.3', 'features.12']).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    assert model.out_channels == (24, 576)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(name='googlenett'), "name='googlenett': torchvision has no such network.*googlenet"),
        (dict(layers=['inception9']), r"layers=\['inception9'\] of googlenet"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        TorchvisionFeatures(**(GOOGLENET | arguments))
