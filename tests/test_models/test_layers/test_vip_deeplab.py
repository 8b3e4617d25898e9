"""Pyramids, cascades and decoders of ViP-DeepLab."""

import pytest
import torch

from mmvisx.models.layers.vip_deeplab_context import AtrousPyramid, CascadeASPP
from mmvisx.models.layers.vip_deeplab_decoder import PanopticDecoder, enlarge
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab_model import pyramid_parameters


@torch.no_grad()
def positive(module):
    """Weights above 0, so that nothing cancels."""
    for parameter in module.parameters():
        parameter.abs_()
    return module


@pytest.mark.parametrize('modules', [1, 2, 4])
def test_every_module_sees_further(modules):
    cascade = positive(CascadeASPP(3, modules, channels=4, dilations=(1, 2)))
    with torch.no_grad():
        for pyramid in cascade.pyramids:
            pyramid.pool[1].conv.weight.zero_()
            pyramid.pool[1].bn.bias.zero_()
    cascade.eval().double()
    x = torch.rand(1, 3, 1, 41).double().requires_grad_()
    cascade(x)[..., 20].sum().backward()
    seen = x.grad[0].abs().sum(dim=(0, 1)).nonzero().flatten() - 20
    assert (int(seen.min()), int(seen.max())) == (-2 * modules, 2 * modules)


def test_one_module_is_a_plain_pyramid():
    cascade = CascadeASPP(3, 1, channels=4).eval()
    plain = AtrousPyramid(3, 4).eval()
    plain.load_state_dict(cascade.pyramids[0].state_dict())
    x = torch.rand(2, 3, 5, 6)
    assert torch.equal(cascade(x), plain(x))


@pytest.mark.parametrize('dense', [False, True])
def test_what_each_module_reads(dense):
    cascade = CascadeASPP(3, 3, dense, channels=4).eval()
    x = torch.rand(2, 3, 5, 6)
    first, second, third = cascade.pyramids
    one = first(x)
    two = second(torch.cat([x, one], 1) if dense else one)
    last = third(torch.cat([x, one, two] if dense else [one, two], 1))
    assert torch.equal(cascade(x), last)


@pytest.mark.parametrize('dense', [False, True])
def test_parameters_of_a_cascade(dense):
    cascade = CascadeASPP(10, 4, dense, channels=8)
    inputs = [10] + [8 * n + 10 * dense for n in (1, 2, 3)]
    wanted = sum(pyramid_parameters(n, 8) for n in inputs)
    assert sum(p.numel() for p in cascade.parameters()) == wanted


@pytest.mark.parametrize('modules', [0, 5])
def test_no_such_number_of_modules(modules):
    with pytest.raises(UserError, match=f'num_modules={modules} of CascadeASPP must be 1 to 4'):
        CascadeASPP(3, modules)


def test_decoder_joins_from_coarse_to_fine():
    decoder = PanopticDecoder(6, (5, 4), (3, 2), channels=7, context_channels=8).eval()
    high, eighth, quarter = torch.rand(2, 6, 3, 5), torch.rand(2, 5, 5, 9), torch.rand(2, 4, 9, 17)
    x = decoder.context(high)
    for low, number in ((eighth, 0), (quarter, 1)):
        x = enlarge(x, low.shape[2:])
        x = torch.cat([x, decoder.projects[number](low)], 1)
        fuse = decoder.fuses[number]
        x = fuse.pointwise_conv(fuse.depthwise_conv(x))
    out = decoder(high, [eighth, quarter])
    assert out.shape == (2, 7, 9, 17)
    assert torch.equal(out, x)


def test_a_projection_for_each_finer_map():
    with pytest.raises(UserError, match=r'projections=\(64, 32\): one for each of the 3'):
        PanopticDecoder(8, (4, 4, 4), (64, 32), 8)


def test_corners_lie_on_corners():
    ramp = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 3, 5)
    torch.testing.assert_close(enlarge(ramp, (3, 9))[0, 0, 0], torch.arange(0, 4.5, 0.5))
