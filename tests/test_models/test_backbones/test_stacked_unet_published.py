"""Stacked U-Nets against a second implementation from the published layer list."""

import pytest
import torch

from mmvisx.apis.export.stacked_unet import rename_stacked_unet
from mmvisx.models.backbones import StackedUNet
from tests.helpers.stacked_unet_published import (
    PUBLISHED,
    published_features,
    published_shapes,
    random_weights,
)

STRIDES = (32, 16, 8)
# The published modules with a sixteenth of the channels.
NARROW = {
    name: (filters // 16, modules, tuple(c // 16 for c in channels), 4)
    for name, (filters, modules, channels) in PUBLISHED.items()
}


def pair(filters, modules, channels, stem, stride, dtype):
    """Return the published weights and our network with the same."""
    weights = random_weights(published_shapes(filters, modules, channels, stem), dtype)
    arch = dict(filters=filters, modules=modules, channels=channels, stem_channels=stem)
    model = StackedUNet(arch, output_stride=stride).to(dtype).eval()
    own = {
        key.removeprefix('backbone.'): value
        for key, value in rename_stacked_unet(weights).items()
        if not key.startswith('head.')
    }
    keys = model.load_state_dict(own, strict=False)
    assert not keys.unexpected_keys
    assert all(key.endswith('num_batches_tracked') for key in keys.missing_keys)
    return weights, model


@pytest.mark.parametrize('size', [(128, 192), (97, 131), (65, 66)])
@pytest.mark.parametrize('stride', STRIDES)
@pytest.mark.parametrize('name', PUBLISHED)
def test_outputs_with_few_channels(name, stride, size):
    filters, modules, channels, stem = NARROW[name]
    weights, model = pair(filters, modules, channels, stem, stride, torch.float64)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    with torch.no_grad():
        expected = published_features(weights, x, modules, stride)
        (out,) = model(x)
    assert out.shape[2:] == tuple(-(-s // stride) for s in size)
    assert expected.std() > 0.01
    torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize('size', [(224, 224), (161, 99)])
@pytest.mark.parametrize('stride', STRIDES)
@pytest.mark.parametrize('name', PUBLISHED)
def test_outputs_in_full_size(name, stride, size):
    filters, modules, channels = PUBLISHED[name]
    weights, model = pair(filters, modules, channels, 64, stride, torch.float32)
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        expected = published_features(weights, x, modules, stride)
        (out,) = model(x)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize('stride', STRIDES)
def test_no_block_leaves_pixels_out(stride):
    """Each block's first module, at the stride that the block has in the network."""
    arch = dict(filters=2, modules=(1, 1, 1, 1), channels=(3, 3, 3, 3), stem_channels=2)
    model = StackedUNet(arch, output_stride=stride).double().eval()
    for name, weight in model.named_parameters():
        if weight.dim() == 4 and 'shortcut' not in name:
            weight.data.uniform_(0.5, 1)
    for stage in model.stages:
        module = stage[0]
        if module.shortcut is not None:
            module.shortcut.weight.data.zero_()
        channels = module.reduce.conv.in_channels
        x = torch.rand(1, channels, 12, 15, dtype=torch.float64) + 1
        x.requires_grad_()
        branch = module(x) - (x if module.shortcut is None else 0)
        (gradient,) = torch.autograd.grad(branch.sum(), x)
        assert (gradient > 0).all()
        with torch.no_grad():
            other = module(2 * x) - (2 * x if module.shortcut is None else 0)
        assert (other > branch).all()
