"""Fully connected layers as convolutions: torchvision's outputs, parameters, shapes; errors."""

import pytest
import torch
import torchvision

from mmvisx.models.backbones import FCNFeatures
from mmvisx.utils import UserError

CENTER = {'alexnet': 2, 'vgg16': 3}  # where the kernel covers the map of 224 pixels and no more


def on_meta(name, **arguments):
    with torch.device('meta'):
        return FCNFeatures(name, **arguments).eval()


@pytest.mark.parametrize('name', ['alexnet', pytest.param('vgg16', marks=pytest.mark.slow)])
def test_equals_torchvisions_classifier_in_the_middle(name):
    """With its weights as they are; drawn anew here, for there is no network to fetch them."""
    reference = torchvision.models.get_model(name, weights=None).eval()
    weights = reference.state_dict()
    with torch.device('meta'):
        ours = FCNFeatures(name).eval()
    ours.load_state_dict(weights, strict=True, assign=True)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        maps = ours(x)
        features = reference.features(x)
        expected = reference.classifier[:-1](reference.avgpool(features).flatten(1))
    center = CENTER[name]
    assert maps[-1].shape == (1, 4096, *features.shape[2:])
    torch.testing.assert_close(maps[-1][:, :, center, center], expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(maps[0], reference.features[: ours.levels[0] + 1](x))
    torch.testing.assert_close(maps[1], reference.features[: ours.levels[1] + 1](x))


@pytest.mark.parametrize(('name', 'classifier'), [('vgg16', 138_357_544), ('alexnet', 61_100_840)])
def test_as_many_parameters_as_the_classifier(name, classifier):
    found = sum(p.numel() for p in on_meta(name).parameters())
    assert found == classifier - 1000 * 4097


@pytest.mark.parametrize('fully_connected', [True, False])
@pytest.mark.parametrize(
    ('name', 'sizes', 'channels'),
    [('vgg16', (32, 16, 8), (256, 512, 512)), ('alexnet', (31, 15, 7), (64, 192, 256))],
)
def test_maps(name, sizes, channels, fully_connected):
    model = on_meta(name, fully_connected=fully_connected)
    shapes = [tuple(out.shape) for out in model(torch.empty(2, 3, 256, 256, device='meta'))]
    if fully_connected:
        channels = (*channels[:2], 4096)
    assert shapes == [(2, c, s, s) for c, s in zip(channels, sizes, strict=True)]


@pytest.mark.parametrize(
    ('name', 'convolutions'),
    # By the map that they lead to first; torchvision's numbers.
    [
        ('vgg16', ((0, 2, 5, 7, 10, 12, 14), (17, 19, 21), (24, 26, 28))),
        ('alexnet', ((0,), (3,), (6, 8, 10))),
    ],
)
def test_frozen_stages(name, convolutions):
    for frozen in (-1, 0, 1, 2, 3):
        model = on_meta(name, frozen_stages=frozen).train()
        fixed = {0} if frozen == 0 else {i for row in convolutions[: max(frozen, 0)] for i in row}
        for key, parameter in model.named_parameters():
            part, number, _ = key.split('.')
            expected = frozen == 3 if part == 'classifier' else int(number) in fixed
            assert parameter.requires_grad != expected, key
        # Dropout too.
        assert all(m.training != (frozen == 3) for m in model.classifier.modules())


def test_small_images():
    for name in CENTER:
        outs = on_meta(name)(torch.empty(1, 3, 65, 67, device='meta'))
        assert all(min(out.shape[2:]) >= 1 for out in outs)


def test_weights_without_the_fully_connected_layers():
    model = FCNFeatures('alexnet', fully_connected=False)
    weights = model.state_dict() | {'classifier.1.weight': torch.zeros(2, 2)}
    assert model.load_state_dict(weights, strict=True)


def test_weights_are_drawn_as_by_he():
    torch.manual_seed(0)
    model = FCNFeatures('alexnet', fully_connected=False)
    model.init_weights()
    weight = model.features[3].weight  # 192 x 64 x 5 x 5
    assert weight.std().item() == pytest.approx((2 / (192 * 25)) ** 0.5, rel=0.03)


def test_bad_name_is_a_clear_error():
    with pytest.raises(UserError, match=r"name='vgg19'.*'vgg16', 'alexnet'"):
        FCNFeatures('vgg19')
