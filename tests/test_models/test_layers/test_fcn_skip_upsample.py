"""Learned upsampling starts as bilinear interpolation."""

import pytest
import torch
import torch.nn.functional as F

from mmvisx.models.layers import BilinearConvTranspose2d, bilinear_kernel
from mmvisx.utils import UserError


@pytest.mark.parametrize('size', [(1, 1), (1, 4), (5, 3)])
@pytest.mark.parametrize('scale', [2, 3, 4, 5, 8, 16])
def test_starts_as_bilinear_interpolation(scale, size):
    """Of every pixel, the outermost ones too."""
    layer = BilinearConvTranspose2d(3, scale).double()
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    expected = F.interpolate(x, scale_factor=scale, mode='bilinear', align_corners=False)
    # The weights are stored in float32.
    torch.testing.assert_close(layer(x), expected, atol=1e-6, rtol=0)


def test_kernel_by_hand():
    row = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.equal(bilinear_kernel(2), row[:, None] * row)
    torch.testing.assert_close(bilinear_kernel(3)[2], torch.tensor([1 / 3, 2 / 3, 1, 2 / 3, 1 / 3]))


def test_init_weights_brings_the_start_back_and_training_leaves_it():
    layer = BilinearConvTranspose2d(2, 2)
    start = layer.weight.detach().clone()
    layer(torch.randn(1, 2, 3, 3)).square().sum().backward()
    # Channels that start apart are connected, too.
    assert layer.weight.grad[0, 1].any()
    torch.nn.init.normal_(layer.weight)
    layer.init_weights()
    assert torch.equal(layer.weight, start)
    assert layer.bias is None


@pytest.mark.parametrize('scale', [1, 0, 2.0, '2'])
def test_bad_scale_is_a_clear_error(scale):
    with pytest.raises(UserError, match=rf'scale={scale!r}.*2 or more'):
        BilinearConvTranspose2d(3, scale)
