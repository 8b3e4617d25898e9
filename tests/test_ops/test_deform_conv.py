"""The deformable convolution against torchvision's, against its definition and at its limits."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn.modules.utils import _pair
from torchvision.ops import deform_conv2d as oracle

from mmvisx.models.layers import NonFiniteOffsetError, deform_conv2d


def output_size(size, kernel, stride, padding, dilation):
    """Height and width of the output."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(
            size, _pair(kernel), _pair(stride), _pair(padding), _pair(dilation), strict=True
        )
    )


def make_case(
    batch=2,
    size=(9, 12),
    kernel=3,
    stride=1,
    padding=1,
    dilation=1,
    groups=1,
    deform_groups=1,
    channels=8,
    spread=3.0,
    dtype=torch.float64,
):
    """Return ``(x, offset, weight)`` with gradients and the geometry's arguments."""
    kernel = _pair(kernel)
    out = output_size(size, kernel, stride, padding, dilation)
    shapes = (
        (batch, channels, *size),
        (batch, 2 * deform_groups * math.prod(kernel), *out),
        (12, channels // groups, *kernel),
    )
    x, offset, weight = (torch.randn(shape, dtype=dtype) for shape in shapes)
    tensors = tuple(t.requires_grad_() for t in (x, (offset * spread).detach(), weight))
    return tensors, dict(stride=stride, padding=padding, dilation=dilation)


def assert_equals_torchvision(tensors, geometry, groups, tolerance):
    """Check output and all three gradients against torchvision's, relative to their size."""
    ours = deform_conv2d(*tensors, **geometry, groups=groups)
    theirs = oracle(*tensors, **geometry)
    probe = torch.randn_like(theirs)
    pairs = [(ours, theirs)]
    pairs += zip(
        torch.autograd.grad(ours, tensors, probe),
        torch.autograd.grad(theirs, tensors, probe),
        strict=True,
    )
    for value, expected in pairs:
        assert value.shape == expected.shape
        scale = expected.abs().max().clamp(min=1e-3).item()
        torch.testing.assert_close(value, expected, rtol=0, atol=tolerance * scale)


CASES = [
    *(
        dict(stride=s, padding=p, dilation=d)
        for s, p, d in itertools.product((1, 2, 3), (0, 1, 3), (1, 2, 3))
    ),
    *(dict(kernel=k, padding=p) for k, p in ((1, 0), (5, 2), ((1, 3), (0, 1)), ((3, 5), 2))),
    dict(stride=(1, 2), padding=(2, 0), dilation=(2, 1), kernel=(3, 5)),
    *(
        dict(groups=g, deform_groups=d, stride=s)
        for g, d, s in itertools.product((1, 2, 4), (1, 2, 4), (1, 2))
    ),
    *(dict(batch=n) for n in (1, 3, 5)),
    *(dict(size=s) for s in ((1, 1), (1, 7), (17, 3))),
    # Offsets of many map sizes: most samples are zero, the rest sits on the border.
    *(dict(spread=s) for s in (0.3, 30.0, 1e6)),
]


@pytest.mark.parametrize('case', CASES, ids=str)
def test_equals_torchvision(case):
    tensors, geometry = make_case(**case)
    assert_equals_torchvision(tensors, geometry, case.get('groups', 1), 1e-9)


@pytest.mark.parametrize('case', CASES[::7], ids=str)
def test_equals_torchvision_in_float32(case):
    tensors, geometry = make_case(**case, dtype=torch.float32)
    assert_equals_torchvision(tensors, geometry, case.get('groups', 1), 1e-4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_equals_torchvision_for_any_geometry(data):
    draw = data.draw
    size = (draw(st.integers(1, 14)), draw(st.integers(1, 14)))
    kernel = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    stride, dilation = draw(pair), draw(pair)
    padding = (draw(st.integers(0, 5)), draw(st.integers(0, 5)))
    groups = draw(st.sampled_from((1, 2, 4)))
    assume(min(output_size(size, kernel, stride, padding, dilation)) > 0)
    tensors, geometry = make_case(
        draw(st.integers(1, 3)),
        size,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        draw(st.sampled_from((1, 2, 4))),
        spread=draw(st.sampled_from((0.5, 4.0, 100.0))),
    )
    assert_equals_torchvision(tensors, geometry, groups, 1e-9)


def slow_deform_conv2d(x, offset, weight, stride, padding, dilation, groups, deform_groups):
    """Compute the definition, one sample at a time."""
    n, c, h, w = x.shape
    out_channels, width, kh, kw = weight.shape
    ho, wo = offset.shape[-2:]
    out = torch.zeros(n, out_channels, ho, wo, dtype=x.dtype)

    def pixel(b, channel, row, col):
        return x[b, channel, row, col].item() if 0 <= row < h and 0 <= col < w else 0.0

    for b, o, i, j in itertools.product(range(n), range(out_channels), range(ho), range(wo)):
        total = 0.0
        for k, u, v in itertools.product(range(width), range(kh), range(kw)):
            channel = o // (out_channels // groups) * width + k
            first = 2 * (channel // (c // deform_groups) * kh * kw + u * kw + v)
            row = i * stride - padding + u * dilation + offset[b, first, i, j].item()
            col = j * stride - padding + v * dilation + offset[b, first + 1, i, j].item()
            top, left = math.floor(row), math.floor(col)
            for r, q in itertools.product((top, top + 1), (left, left + 1)):
                share = (1 - abs(row - r)) * (1 - abs(col - q))
                total += weight[o, k, u, v].item() * share * pixel(b, channel, r, q)
        out[b, o, i, j] = total
    return out


@pytest.mark.parametrize(('groups', 'deform_groups'), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_equals_the_definition(groups, deform_groups):
    x = torch.randn(2, 4, 5, 7, dtype=torch.float64)
    weight = torch.randn(4, 4 // groups, 3, 3, dtype=torch.float64)
    offset = 2 * torch.randn(2, 18 * deform_groups, 3, 4, dtype=torch.float64)
    expected = slow_deform_conv2d(x, offset, weight, 2, 2, 2, groups, deform_groups)
    out = deform_conv2d(x, offset, weight, 2, 2, 2, groups)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize('case', [{}, dict(stride=2, dilation=2, groups=2, deform_groups=2)])
def test_gradcheck(case):
    (x, _, weight), geometry = make_case(1, (4, 5), channels=4, **case)
    shape = make_case(1, (4, 5), channels=4, **case)[0][1].shape
    # Bilinear interpolation has kinks where a sampling position is a whole number.
    fraction = 0.1 + 0.8 * torch.rand(shape, dtype=torch.float64)
    offset = (torch.randint(-3, 3, shape) + fraction).requires_grad_()
    groups = case.get('groups', 1)

    def function(*tensors):
        return deform_conv2d(*tensors, **geometry, groups=groups)

    assert torch.autograd.gradcheck(function, (x, offset, weight))


@pytest.mark.parametrize('dilation', [1, 3])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('groups', [1, 4])
def test_zero_offset_is_a_convolution(stride, dilation, groups):
    (x, offset, weight), geometry = make_case(
        stride=stride, dilation=dilation, padding=dilation, groups=groups
    )
    out = deform_conv2d(x, torch.zeros_like(offset), weight, **geometry, groups=groups)
    expected = F.conv2d(x, weight, None, **geometry, groups=groups)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize('huge', [1e6, -1e6, 1e20, -1e20, 3e38])
def test_huge_offsets_sample_zero(huge):
    (x, offset, weight), geometry = make_case(dtype=torch.float32)
    moved = torch.full_like(offset, huge).requires_grad_()
    out = deform_conv2d(x, moved, weight, **geometry)
    assert torch.equal(out, torch.zeros_like(out))
    for gradient in torch.autograd.grad(out.sum(), (x, moved, weight)):
        assert torch.equal(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_non_finite_offset_is_an_error_that_names_the_layer(bad):
    (x, offset, weight), geometry = make_case()
    offset = offset.detach().clone()
    offset[1, 3, 2, 2] = bad
    with pytest.raises(NonFiniteOffsetError, match=r'layer2\.0\.conv2\.offset_s: 1 of \d+ .*lower'):
        deform_conv2d(x, offset, weight, **geometry, layer_name='layer2.0.conv2.offset_s')


def test_nan_features_pass_through():
    (x, offset, weight), geometry = make_case(spread=0.3)
    x = x.detach().clone()
    x[0, 0] = math.nan
    out = deform_conv2d(x, offset, weight, **geometry)
    assert out[0].isnan().any()
    assert out[1].isfinite().all()


@pytest.mark.parametrize(
    ('shape', 'text'),
    [
        ((2, 17, 9, 12), 'multiple of 18'),
        ((18, 9, 12), '4 dimensions'),
        ((2, 18, 9, 11), '9x12'),
        ((2, 18, 5, 6), '9x12'),
    ],
)
def test_wrong_shape_of_the_offset(shape, text):
    (x, _, weight), geometry = make_case()
    with pytest.raises(ValueError, match=text):
        deform_conv2d(x, torch.zeros(shape, dtype=x.dtype), weight, **geometry)


def test_weight_of_other_channels():
    (x, offset, weight), geometry = make_case()
    with pytest.raises(ValueError, match='8'):
        deform_conv2d(x, offset, weight[:, :4], **geometry)


def test_offset_of_other_batch():
    (x, offset, weight), geometry = make_case()
    with pytest.raises(ValueError, match='2'):
        deform_conv2d(x, offset[:1], weight, **geometry)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_input_is_sampled_in_float32(dtype):
    tensors, geometry = make_case(dtype=torch.float32)
    half = [t.detach().to(dtype) for t in tensors]
    expected = oracle(*(t.float() for t in half), **geometry)
    torch.testing.assert_close(
        deform_conv2d(*half, **geometry).float(), expected, rtol=1e-4, atol=1e-4
    )


def test_runs_under_bfloat16_autocast():
    tensors, geometry = make_case(dtype=torch.float32, spread=1.0)
    expected = deform_conv2d(*tensors, **geometry)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = deform_conv2d(*tensors, **geometry)
    error = (out.float() - expected).norm() / expected.norm()
    assert error < 0.01
    out.float().sum().backward()
    assert all(t.grad.isfinite().all() for t in tensors)


def test_the_samples_are_drawn_again_and_not_kept(monkeypatch):
    """Nine maps as large as the input would be kept for a 3x3 kernel, and six for positions."""
    (x, offset, weight), geometry = make_case(size=(32, 32), dtype=torch.float32)
    kept, drawn, sample = {}, [], F.grid_sample

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes() // 4
        return tensor

    def count(*args, **kwargs):
        drawn.append(1)
        return sample(*args, **kwargs)

    monkeypatch.setattr(F, 'grid_sample', count)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = deform_conv2d(x, offset, weight, **geometry)
    assert sum(kept.values()) <= x.numel() + offset.numel() + weight.numel()
    assert len(drawn) == 1
    out.sum().backward()
    assert len(drawn) == 2


@pytest.mark.parametrize('grad', [True, False])
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning', 'ignore:.*torch.jit.trace')
def test_can_be_traced(grad):
    (x, offset, weight), geometry = make_case(dtype=torch.float32)
    with torch.set_grad_enabled(grad):
        traced = torch.jit.trace(
            lambda *t: deform_conv2d(*t, **geometry), (x, offset, weight), check_trace=False
        )
        (x, offset, _), _ = make_case(dtype=torch.float32)
        ours = traced(x, offset, weight)
    torch.testing.assert_close(ours, oracle(x, offset, weight, **geometry), rtol=1e-4, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('case', [c for c in CASES if c.get('spread', 0) < 1e3], ids=str)
def test_equals_torchvision_on_cuda(case):
    tensors, geometry = make_case(**case, dtype=torch.float32)
    tensors = tuple(t.detach().cuda().requires_grad_() for t in tensors)
    assert_equals_torchvision(tensors, geometry, case.get('groups', 1), 1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_cuda_equals_cpu_and_survives_nan():
    tensors, geometry = make_case(dtype=torch.float32)
    on_gpu = [t.detach().cuda() for t in tensors]
    torch.testing.assert_close(
        deform_conv2d(*on_gpu, **geometry).cpu(),
        deform_conv2d(*tensors, **geometry),
        rtol=1e-4,
        atol=1e-4,
    )
    on_gpu[1][0, 0, 0, 0] = math.nan
    with pytest.raises(NonFiniteOffsetError, match='1 of'):
        deform_conv2d(*on_gpu, **geometry)
