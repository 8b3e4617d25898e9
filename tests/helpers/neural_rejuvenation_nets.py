"""Small networks of each kind that neural rejuvenation has to follow, and what tests do to them."""

import torch
import torch.nn.functional as F
from torch import nn

IMAGES = (2, 3, 16, 16)


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, bias=False):
    padding = kernel // 2
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Chain(nn.Module):
    """As VGG: convolutions, a pooling, a pooled linear classifier; one of them has a bias."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(3, 12), conv_bn(12, 20, bias=True), nn.MaxPool2d(2), conv_bn(20, 16)
        )
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))


class Flat(nn.Module):
    """A map that is flattened for two linear layers."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_bn(3, 12), conv_bn(12, 9, stride=2), nn.AvgPool2d(2))
        self.fc = nn.Sequential(nn.Linear(9 * 16, 7), nn.ReLU(), nn.Linear(7, 5))

    def forward(self, x):
        return self.fc(self.body(x).flatten(1))


class Bottleneck(nn.Module):
    def __init__(self, inputs, planes, outputs, stride):
        super().__init__()
        self.conv1 = conv_bn(inputs, planes, 1)
        self.conv2 = conv_bn(planes, planes, 3, stride)
        self.conv3 = conv_bn(planes, outputs, 1)[:2]
        self.down = conv_bn(inputs, outputs, 1, stride)[:2] if inputs != outputs else None

    def forward(self, x):
        shortcut = x if self.down is None else self.down(x)
        return F.relu(shortcut + self.conv3(self.conv2(self.conv1(x))))


class Residual(nn.Module):
    """As ResNet-50: a stem, two stages, downsampling convolutions."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 12)
        self.blocks = nn.Sequential(
            Bottleneck(12, 10, 24, 1), Bottleneck(24, 10, 24, 1), Bottleneck(24, 14, 32, 2)
        )
        self.fc = nn.Linear(32, 5)

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


class Dense(nn.Module):
    """As DenseNet: all maps so far are concatenated; a transition in between."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 10)
        self.first = nn.ModuleList([conv_bn(10 + 6 * i, 6) for i in range(3)])
        self.transition = conv_bn(28, 14, 1)
        self.second = nn.ModuleList([conv_bn(14 + 6 * i, 6) for i in range(2)])
        self.fc = nn.Linear(26, 5)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.first:
            x = torch.cat([x, layer(x)], 1)
        x = F.avg_pool2d(self.transition(x), 2)
        for layer in self.second:
            x = torch.cat([x, layer(x)], 1)
        return self.fc(x.mean((2, 3)))


class Separable(nn.Module):
    """As MobileNet-V1: depthwise and pointwise convolutions."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(3, 10),
            conv_bn(10, 10, groups=10),
            conv_bn(10, 18, 1),
            conv_bn(18, 18, stride=2, groups=18),
            conv_bn(18, 14, 1),
        )
        self.fc = nn.Linear(14, 5)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))


NETWORKS = {net.__name__: net for net in (Chain, Flat, Residual, Dense, Separable)}


def norms_of(model):
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]


def wither(model, share=0.4, seed=0):
    """Give every norm living scales of both signs, dead ones, and statistics of its own."""
    generator = torch.Generator().manual_seed(seed)

    def draw(count, normal=False):
        kind = torch.randn if normal else torch.rand
        return kind(count, generator=generator)

    with torch.no_grad():
        for norm in norms_of(model):
            count = norm.num_features
            living = draw(count, True).sign() * (0.05 + draw(count))
            dead = draw(count) < share
            dead[int(draw(1) * count)] = False
            norm.weight.copy_(torch.where(dead, 1e-4 * draw(count, True), living))
            norm.bias.copy_(0.3 * draw(count, True))
            norm.running_mean.copy_(0.1 * draw(count, True))
            norm.running_var.copy_(0.5 + draw(count))
    return model


def convolution_weights(model):
    """All weights of all convolutions, whatever their modules are."""
    return sum(p.numel() for p in model.parameters() if p.dim() == 4)


def relative(ours, other):
    return float((ours - other).abs().max() / other.abs().max())
