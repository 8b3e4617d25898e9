"""What every backbone promises: the maps that are wanted, frozen stages, pretrained weights.

A new backbone gets a line in ``CASES``; a registered one without a line fails the tests.
"""

from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
import torch
import torchvision

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.registry import MODELS
from mmvisx.utils import UserError


@dataclass(frozen=True)
class Case:
    """The smallest instance.

    Attributes:
        config: Constructor arguments.
        channels: Of all maps that the network can give.
        parts: Where the names of the parameters of the stem begin, of the first stage, the
            second ...; what stands in the stem need not stand in the first stage again.
        norms: Whether there are norms with statistics.
    """

    config: dict[str, Any]
    channels: tuple[int, ...]
    parts: tuple[tuple[str, ...], ...]
    norms: bool = True


def layers(count):
    """Parts of mmdet's and mmpretrain's ResNets."""
    return tuple((f'layer{number}.',) for number in range(1, count + 1))


NANO = dict(base_channels=4, stem_channels=4)
CASES = {
    # Bottlenecks: four times the base channels, then twice as many in each stage.
    'DetectoRSResNet': Case(
        dict(NANO, depth=14), (16, 32, 64, 128), (('conv1.', 'bn1.'), *layers(4))
    ),
    'DetectoRSResNeXt': Case(
        dict(NANO, depth=14, groups=2, base_width=2),
        (16, 32, 64, 128),
        (('conv1.', 'bn1.'), *layers(4)),
    ),
    'ResNetTweak': Case(dict(NANO, depth=18), (4, 8, 16, 32), (('stem.',), *layers(4))),
    'CifarResNet': Case(dict(depth=20), (16, 32, 64), (('conv1.', 'bn1.'), *layers(3))),
    'CifarBottleneckResNet': Case(dict(depth=11), (64, 128, 256), (('conv1.', 'bn1.'), *layers(3))),
    # A quarter of 64, 128, 256, 512 and 1,024.
    'MobileNetV1': Case(
        dict(widen_factor=0.25), (16, 32, 64, 128, 256), (('layer1.0.',), *layers(5))
    ),
    # VGG-11 has one or two convolutions in front of each of five poolings.
    'ConvVGG': Case(
        dict(depth=11, base_channels=4),
        (4, 8, 16, 32, 32),
        (('stages.0.0.',), *((f'stages.{number}.',) for number in range(5))),
    ),
    # 8 + 4; half of that and 2 * 4 more.
    'PostActivationDenseNet': Case(
        dict(arch=(1, 2), growth=4),
        (12, 14),
        (('stem.',), ('blocks.0.',), ('transitions.0.', 'blocks.1.')),
    ),
    'PostActivationWideResNet': Case(
        dict(depth=10, widen=1), (16, 32, 64), (('conv1.', 'bn1.'), *layers(3))
    ),
    'FourConv': Case(
        dict(channels=5), (5,) * 4, ((), *((f'stages.{number}.',) for number in range(4)))
    ),
    # A sixteenth of 128, 256, 512, 1,024 and 2,048.
    'WideResNet41': Case(
        dict(width=1 / 16, drop_path_rate=0.0),
        (8, 16, 32, 64, 128),
        (('stem.',), *((f'stages.{number}.',) for number in range(5))),
    ),
    'CNN13': Case(
        dict(width=1 / 32), (4, 8, 4), ((), *((f'stages.{number}.',) for number in range(3)))
    ),
    'GUNN': Case(
        dict(arch=[(6, 2, 2, 1), (8, 2, 1, 2)], final_channels=5),
        (6, 8, 5),
        (('stem.',), ('stages.0.',), ('stages.1.',), ('stages.2.',)),
    ),
    'StackedUNet': Case(
        dict(arch=dict(filters=4, modules=(1,) * 4, channels=(8, 10, 12, 14), stem_channels=3)),
        (8, 10, 12, 14),
        (('stem.',), *((f'stages.{number}.', f'norm{number}.') for number in range(4))),
    ),
    # AlexNet's five convolutions.
    'FCNFeatures': Case(
        dict(name='alexnet', fully_connected=False),
        (64, 192, 256),
        (('features.0.',), (), ('features.3.',), ('features.6.', 'features.8.', 'features.10.')),
        norms=False,
    ),
    'TorchvisionFeatures': Case(
        dict(name='resnet18', layers=['layer1', 'layer2']),
        (64, 128),
        (('body.conv1.', 'body.bn1.'), ('body.layer1.',), ('body.layer2.',)),
    ),
}
# Each backbone with each number of frozen stages.
FROZEN = [(name, n) for name, case in CASES.items() for n in range(-1, len(case.channels) + 1)]


def build(name, **options):
    """Build the backbone with all its maps, the same weights each time."""
    case = CASES[name]
    torch.manual_seed(0)
    every = tuple(range(len(case.channels)))
    # torchvision's classifiers have layers that are thrown away: no weights are drawn for them.
    with patch.object(torch.nn.Linear, 'reset_parameters'):
        return MODELS.get(name)(**case.config | dict(out_indices=every, norm_eval=False) | options)


def image():
    """Draw two images."""
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def learns(name, key, frozen):
    """Whether the table says that a parameter learns with so many frozen stages."""
    part = next(i for i, starts in enumerate(CASES[name].parts) if key.startswith(starts))
    return part > frozen


def statistics(model):
    """Copies of the norms' statistics."""
    return {key: value.clone() for key, value in model.named_buffers() if 'running' in key}


def train_once(model):
    """Run forward and backward; return which parameters got a gradient and statistics changed."""
    before = statistics(model)
    model.zero_grad(set_to_none=True)
    sum((out * torch.randn_like(out)).sum() for out in model(image())).backward()
    got = {key: parameter.grad is not None for key, parameter in model.named_parameters()}
    after = statistics(model)
    return got, {key: not torch.equal(value, after[key]) for key, value in before.items()}


def test_every_registered_backbone_has_a_case():
    registered = {
        name
        for name, model in MODELS.module_dict.items()
        if model.__module__.startswith('mmvisx.models.backbones.')
    }
    assert registered == set(CASES)


@pytest.mark.parametrize('name', CASES)
def test_negative_numbers_count_from_the_end(name):
    total = len(CASES[name].channels)
    maps = build(name).eval()(image())
    for index, expected in enumerate(maps):
        # The same weights: what lies behind the last map is drawn last, or not at all.
        model = build(name, out_indices=(index - total,)).eval()
        assert tuple(model.out_indices) == (index,)
        (out,) = model(image())
        assert torch.equal(out, expected)
    for wanted, expected in ((-1, maps[-1]), (0, maps[0])):
        (out,) = build(name, out_indices=wanted).eval()(image())
        assert torch.equal(out, expected)


@pytest.mark.parametrize('name', CASES)
def test_a_map_that_is_not_there(name):
    total = len(CASES[name].channels)
    for wrong in (total, -total - 1, (0, total), ()):
        with pytest.raises(UserError) as error:
            build(name, out_indices=wrong)
        assert f'out_indices={wrong!r} of {name}' in str(error.value)
        assert f'0 to {total - 1} (or -{total} to -1)' in str(error.value)
    with pytest.raises(UserError, match='names an output twice'):
        build(name, out_indices=(0, -total))


@pytest.mark.parametrize('name', CASES)
def test_out_channels_are_those_of_the_maps(name):
    channels = CASES[name].channels
    total = len(channels)
    model = build(name).eval()
    assert tuple(model.out_channels) == channels
    assert tuple(out.shape[1] for out in model(image())) == channels
    for index in range(total):
        assert tuple(build(name, out_indices=index).out_channels) == (channels[index],)
    # In whatever order they come, it is told.
    model = build(name, out_indices=(-1, 0)).eval()
    found = tuple(out.shape[1] for out in model(image()))
    assert found == tuple(model.out_channels) == tuple(channels[i] for i in model.out_indices)
    assert set(model.out_indices) == {0, total - 1}


@pytest.mark.parametrize(('name', 'frozen'), FROZEN)
def test_frozen_stages(name, frozen):
    model = build(name, frozen_stages=frozen)
    assert CASES[name].norms == bool(statistics(model))
    # As built, as in a training loop, and after a validation.
    for prepare in (lambda: model, model.train, lambda: model.eval().train()):
        assert prepare() is model
        assert model.training
        if frozen == len(CASES[name].channels):
            assert not any(parameter.requires_grad for parameter in model.parameters())
            before = statistics(model)
            model(image())
            assert all(torch.equal(v, before[k]) for k, v in statistics(model).items())
            continue
        got, changed = train_once(model)
        for key, value in (got | changed).items():
            assert value == learns(name, key, frozen), key


@pytest.mark.parametrize('name', CASES)
def test_more_stages_than_there_are_cannot_be_frozen(name):
    total = len(CASES[name].channels)
    for wrong in (total + 1, -2, 1.0):
        with pytest.raises(UserError) as error:
            build(name, frozen_stages=wrong)
        assert f'frozen_stages={wrong!r} of {name}' in str(error.value)
        assert '-1 (nothing)' in str(error.value)
        assert f'{total} (everything)' in str(error.value)


@pytest.mark.parametrize('frozen', [-1, 1])
@pytest.mark.parametrize('name', CASES)
def test_norm_eval(name, frozen):
    model = build(name, norm_eval=True, frozen_stages=frozen)
    assert model.train() is model
    assert model.training
    got, changed = train_once(model)
    assert not any(changed.values())
    for key, value in got.items():
        assert value == learns(name, key, frozen), key


@pytest.fixture(scope='module')
def foreign(tmp_path_factory):
    """A checkpoint of another network, and how many entries it has."""
    path = tmp_path_factory.mktemp('foreign') / 'shufflenet.pth'
    weights = torchvision.models.shufflenet_v2_x0_5(weights=None).state_dict()
    torch.save({'state_dict': weights}, path)
    return path, sum('num_batches_tracked' not in key for key in weights)


@pytest.mark.parametrize('name', CASES)
def test_another_networks_weights_are_refused(name, foreign):
    path, entries = foreign
    model = build(name, init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(UserError) as error:
        model.init_weights()
    message = str(error.value)
    assert f'init_cfg of {name}: checkpoint {path} does not hold its weights' in message
    assert f'{entries} unknown to the model' in message
    assert 'less than 90 % of what it must have' in message
    assert '\n' not in message
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
@pytest.mark.parametrize('name', CASES)
def test_its_own_weights_are_loaded(name, prefix, tmp_path):
    weights = {
        key: torch.rand_like(value) if value.is_floating_point() else value
        for key, value in build(name).state_dict().items()
    }
    path = tmp_path / 'weights.pth'
    torch.save({'state_dict': {prefix + key: value for key, value in weights.items()}}, path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    if prefix:
        init_cfg['prefix'] = prefix
    model = build(name, init_cfg=init_cfg, frozen_stages=1)
    model.init_weights()
    for key, value in model.state_dict().items():
        assert torch.equal(value, weights[key]), key
    assert not any(
        parameter.requires_grad
        for key, parameter in model.named_parameters()
        if not learns(name, key, 1)
    )
