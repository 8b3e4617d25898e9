"""What is seen in a forward pass says which normalisation can go into which convolution."""

import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn
from torch.nn.utils import weight_norm

from mmvisx.models.backbones import DetectoRSResNet, StackedUNet
from mmvisx.surgery import PairWatch, fuse_after_first_step, fuse_for_inference


class PreActivation(nn.Module):
    """Registers convolution and normalisation in turn and runs them the other way round."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv1(self.bn1(x).relu())
        return self.conv2(self.bn2(x).relu())  # so bn2 goes into conv1


class SharedOverLevels(nn.Module):
    """One convolution, a normalisation for each of two levels, as in RTMDet's head."""

    def __init__(self):
        super().__init__()
        conv = nn.Conv2d(4, 4, 3, padding=1)
        self.levels = nn.ModuleList(nn.Sequential(conv, nn.BatchNorm2d(4)) for _ in range(2))

    def forward(self, x):
        return self.levels[0](x) + self.levels[1](x.roll(1, -1))


class UsedTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return self.bn(x) + x


class ChangedInBetween(UsedTwice):
    def forward(self, x):
        x = self.conv(x)
        x.relu_()
        return self.bn(x)


class Plain(UsedTwice):
    def forward(self, x):
        return self.bn(self.conv(x))


class Remade(Plain):
    """Its weight is made anew from others in each call."""

    def __init__(self):
        super().__init__()
        self.conv = weight_norm(self.conv)


def shake(model):
    """Make statistics and scales differ from their start."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data.add_(0.3 * torch.rand(tensor.shape, dtype=tensor.dtype))
    model.double().eval()
    return model


def count_norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


NETS = {
    # name: (network, channels, normalisations left)
    'pre-activation': (PreActivation, 4, 1),
    'shared': (SharedOverLevels, 4, 2),
    'used twice': (UsedTwice, 4, 1),
    'changed in between': (ChangedInBetween, 4, 1),
    'weight made anew': (Remade, 4, 1),
    'plain': (Plain, 4, 0),
    'ResNet': (lambda: ResNet(18, base_channels=8), 3, 0),
    'DetectoRS': (
        lambda: DetectoRSResNet(
            14, base_channels=4, conv_cfg=dict(type='mmvisx.ConvAWS2d'),
            sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
        ), 3, 0,
    ),
    # Normalises before it convolves: what is left follows a sum or a concatenation.
    'Stacked U-Net': (
        lambda: StackedUNet(
            arch=dict(filters=8, modules=[1, 1, 1, 1], channels=[8, 8, 8, 8])
        ), 3, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(('make', 'channels', 'left'), NETS.values(), ids=NETS)
@torch.no_grad()
def test_the_output_stays_and_the_right_norms_go(make, channels, left):
    model = shake(make())
    x = torch.randn(2, channels, 64, 64, dtype=torch.float64)
    with PairWatch(model) as watch:
        before = model(x)
    fused = fuse_for_inference(model, watch.pairs())
    assert left is None or count_norms(fused) == left
    with torch.inference_mode():
        after = fused(x)
    if isinstance(before, torch.Tensor):
        before, after = (before,), (after,)
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-9)


class Steps(Plain):
    """A model as a runner has it."""

    def test_step(self, data):
        return self(data)


@torch.no_grad()
def test_the_first_step_is_watched_and_a_copy_fused():
    model, put = shake(Steps()), []
    x = torch.randn(1, 4, 8, 8, dtype=torch.float64)
    expected = model(x)
    fuse_after_first_step(model, model, put.append)
    assert torch.equal(model.test_step(x), expected)
    (fused,) = put
    assert (count_norms(model), count_norms(fused)) == (1, 0)
    torch.testing.assert_close(fused.test_step(x), expected, rtol=1e-9, atol=1e-9)
    assert torch.equal(model.test_step(x), expected)
    assert len(put) == 1
