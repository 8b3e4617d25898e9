"""Network slimming: which channels go, what stays, sizes, errors."""

import copy
import itertools

import pytest
import torch
from torch import nn

from mmvisx.models.backbones import (
    CifarBottleneckResNet,
    ConvVGG,
    MobileNetV1,
    PostActivationDenseNet,
)
from mmvisx.surgery.neural_rejuvenation import slim
from mmvisx.surgery.neural_rejuvenation.slimming import (
    convolution_weights,
    replay_slimming,
    slimmed_norms,
)
from mmvisx.utils import UserError

IMAGES = torch.zeros(1, 3, 32, 32)


class Classifier(nn.Module):
    """A backbone, global pooling and a linear layer."""

    def __init__(self, backbone, width):
        super().__init__()
        self.backbone, self.fc = backbone, nn.Linear(width, 10)

    def forward(self, x):
        return self.fc(self.backbone(x)[-1].mean((2, 3)))


def networks():
    return {
        'vgg': Classifier(ConvVGG(11, base_channels=8, pool_after=(2, 4)), 64),
        'resnet': Classifier(CifarBottleneckResNet(20), 256),
        'densenet': Classifier(PostActivationDenseNet((2, 3), growth=8), 40),
        'mobilenet': Classifier(MobileNetV1(0.25), 256),
    }


def shuffle_scales(model):
    """Draw every scale from its own range, and statistics that are not the initial ones."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.1, 1)
            nn.init.uniform_(module.bias, -0.2, 0.2)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)


@pytest.mark.parametrize('name', ['vgg', 'resnet', 'densenet', 'mobilenet'])
@pytest.mark.parametrize('target', [0.5, 0.8])
def test_arrives_at_the_target(name, target):
    model = networks()[name]
    shuffle_scales(model)
    model.train()
    before = convolution_weights(model)
    slim(model, IMAGES, target)
    assert all(module.training for module in model.modules())
    left = convolution_weights(model) / before
    # One channel more would be too many; in these small networks it is up to 3 % of the weights.
    assert target - 0.03 < left <= target
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())


def test_counts_by_hand():
    model = networks()['vgg']
    widths = [3, 8, 16, 32, 32, 64, 64, 64, 64]
    assert convolution_weights(model) == sum(9 * a * b for a, b in itertools.pairwise(widths))


def test_the_smallest_of_all_layers_go():
    torch.manual_seed(1)
    model = networks()['vgg']
    shuffle_scales(model)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    scales = [norm.weight.detach().clone() for norm in norms]
    slim(model, IMAGES, 0.6)
    kept = [norm.weight.detach() for norm in norms]
    gone = [s[~torch.isin(s, k)] for s, k in zip(scales, kept, strict=True)]
    assert sum(map(len, gone)) > 20
    # What is left keeps its order.
    for scale, keep in zip(scales, kept, strict=True):
        assert torch.equal(scale[torch.isin(scale, keep)], keep)
    assert torch.cat(gone).max() < torch.cat(kept).min()


@pytest.mark.parametrize('name', ['vgg', 'resnet', 'densenet', 'mobilenet'])
def test_channels_without_effect_go_without_effect(name):
    torch.manual_seed(2)
    model = networks()[name]
    shuffle_scales(model)
    prunable = slimmed_norms(model, IMAGES)
    with torch.no_grad():
        for norm in prunable:
            dead = torch.rand(norm.num_features) < 0.7
            dead[0] = False
            norm.weight[dead] = 0
            norm.bias[dead] = 0
        if name == 'mobilenet':  # a channel of a depthwise pair is dead in both norms or none
            convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
            norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
            for first, conv, second in zip(norms, convs[1:], norms[1:], strict=False):
                if conv.groups > 1:
                    second.weight[first.weight == 0] = second.bias[first.weight == 0] = 0
                    first.weight[second.weight == 0] = first.bias[second.weight == 0] = 0
    model.eval()
    x = torch.randn(2, 3, 32, 32)
    before = model(x)
    all_dead = sum(int((norm.weight == 0).sum()) for norm in prunable)
    slim(model, IMAGES, 0.85 if name == 'resnet' else 0.9)
    left_dead = sum(int((norm.weight == 0).sum()) for norm in prunable)
    assert left_dead < all_dead
    torch.testing.assert_close(model(x), before, rtol=1e-4, atol=1e-5)


def test_residual_streams_stay():
    model = networks()['resnet']
    shuffle_scales(model)
    blocks = [m for m in model.modules() if type(m).__name__ == 'Bottleneck']
    widths = [block.conv3.out_channels for block in blocks]
    names = {module: name for name, module in model.named_modules()}
    prunable = [names[norm].rsplit('.', 1)[-1] for norm in slimmed_norms(model, IMAGES)]
    assert sorted(prunable) == ['bn1'] * 7 + ['bn2'] * 6  # the stem's is a bn1
    slim(model, IMAGES, 0.6)
    assert [block.conv3.out_channels for block in blocks] == widths
    assert any(block.conv1.out_channels < block.conv1.in_channels // 4 for block in blocks[1:])


def test_a_layer_keeps_its_best_channel():
    model = networks()['vgg']
    shuffle_scales(model)
    first = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    with torch.no_grad():
        first.weight.mul_(1e-6)
    best = first.weight.detach().max()
    slim(model, IMAGES, 0.5)
    assert first.weight.tolist() == [best.item()]


def test_replay_gives_the_same_shapes():
    model = networks()['densenet']
    fresh = copy.deepcopy(model)
    shuffle_scales(model)
    history = slim(model, IMAGES, 0.5)
    replay_slimming(fresh, history, IMAGES)
    fresh.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(fresh.eval()(x), model.eval()(x))


@pytest.mark.parametrize(
    ('target', 'message'),
    [(1.0, r'target=1.0 of network slimming must lie between 0 and 1'), (1e-4, 'out of reach')],
)
def test_wrong_targets(target, message):
    model = networks()['vgg']
    shapes = [p.shape for p in model.parameters()]
    with pytest.raises(UserError, match=message):
        slim(model, IMAGES, target)
    assert [p.shape for p in model.parameters()] == shapes


def test_nothing_to_prune():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    with pytest.raises(UserError, match='out of reach'):
        slim(model, IMAGES, 0.5)
