"""The same numbers as mmcv's compiled ops, where those are installed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvisx.ops.mmcv_ext import functions, is_standing_in

compiled = pytest.importorskip('mmcv._ext')
pytestmark = pytest.mark.skipif(is_standing_in(), reason='mmcv has no compiled ops here')


def boxes_of(seed, number, size=40.0, ties=True):
    g = torch.Generator().manual_seed(seed)
    corner = torch.rand(number, 2, generator=g) * size
    boxes = torch.cat((corner, corner + torch.rand(number, 2, generator=g) * size / 2), 1)
    scores = torch.rand(number, generator=g)
    if ties:
        boxes, scores = boxes.round(), (scores * 8).round() / 8
    return boxes, scores


def nms_both(boxes, scores, threshold, offset):
    kwargs = dict(iou_threshold=threshold, offset=offset)
    return functions.nms(boxes, scores, **kwargs), compiled.nms(boxes, scores, **kwargs)


def soft_both(boxes, scores, **kwargs):
    results = []
    for module in (functions, compiled):
        dets = boxes.new_empty(len(boxes), 5)
        index = module.softnms(boxes.clone(), scores.clone(), dets, **kwargs)
        results.append((index, dets[: len(index)]))
    return results


@pytest.mark.parametrize('ties', [True, False])
@pytest.mark.parametrize('offset', [0, 1])
def test_nms(ties, offset):
    for seed in range(250):
        number = (0, 1, 2, 30, 200)[seed % 5]
        boxes, scores = boxes_of(seed, number, ties=ties)
        ours, other = nms_both(boxes, scores, (0.3, 0.5, 0.7)[seed % 3], offset)
        assert ours.tolist() == other.tolist()


@pytest.mark.parametrize('method', [0, 1, 2])
@pytest.mark.parametrize('ties', [True, False])
def test_soft_nms(method, ties):
    for seed in range(170):
        number = (0, 1, 2, 20, 60)[seed % 5]
        boxes, scores = boxes_of(seed, number, ties=ties)
        (index, dets), (index_, dets_) = soft_both(
            boxes, scores, iou_threshold=0.3, sigma=0.5, min_score=(1e-3, 0.1)[seed % 2],
            method=method, offset=seed % 2,
        )  # fmt: skip
        assert index.tolist() == index_.tolist()
        torch.testing.assert_close(dets, dets_, atol=1e-6, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize('ties', [True, False])
def test_ten_thousand_boxes(ties):
    boxes, scores = boxes_of(0, 10_000, 400.0, ties)
    ours, other = nms_both(boxes, scores, 0.5, 0)
    assert ours.tolist() == other.tolist()
    kwargs = dict(iou_threshold=0.3, sigma=0.5, min_score=0.3, method=1, offset=0)
    (index, dets), (index_, dets_) = soft_both(boxes, scores, **kwargs)
    assert index.tolist() == index_.tolist()
    torch.testing.assert_close(dets, dets_, atol=1e-6, rtol=1e-6, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    regions=st.integers(0, 6),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    bins=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    scale=st.sampled_from([1.0, 0.25, 1 / 3]),
    samples=st.sampled_from([0, 1, 2, 3]),
    aligned=st.booleans(),
)
def test_roi_align(seed, regions, size, bins, scale, samples, aligned):
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(2, 3, *size, generator=g)
    image = torch.randint(2, (regions, 1), generator=g)
    corner = torch.rand(regions, 2, generator=g) * 50 - 5
    rois = torch.cat((image, corner, corner + torch.rand(regions, 2, generator=g) * 30), 1)
    shape = (regions, 3, *bins)
    grad = torch.rand(shape, generator=g)
    kwargs = dict(
        aligned_height=bins[0], aligned_width=bins[1], spatial_scale=scale,
        sampling_ratio=samples, pool_mode=1, aligned=aligned,
    )  # fmt: skip
    results = []
    for module in (functions, compiled):
        out, back, none = torch.zeros(shape), torch.zeros_like(x), torch.zeros(0)
        module.roi_align_forward(x, rois, out, none, none, **kwargs)
        module.roi_align_backward(grad, rois, none, none, back, **kwargs)
        results.append((out, back))
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ('groups', 'deform_groups', 'stride', 'padding', 'dilation'),
    [(1, 1, 1, 1, 1), (2, 1, 2, 2, 2), (1, 4, (1, 2), (0, 1), 1), (2, 2, 1, 1, (2, 1))],
)
@pytest.mark.parametrize('batch', [1, 3])
def test_deform_conv(groups, deform_groups, stride, padding, dilation, batch, monkeypatch):
    from mmcv.ops import deform_conv, deform_conv2d
    from torch.nn.modules.utils import _pair

    g = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 4, 9, 8, generator=g, dtype=torch.float64)
    weight = torch.randn(6, 4 // groups, 3, 3, generator=g, dtype=torch.float64)
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    size = [
        (n + 2 * p - 2 * d - 1) // s + 1
        for n, p, d, s in zip((9, 8), padding, dilation, stride, strict=True)
    ]
    offset = 2 * torch.randn(batch, 18 * deform_groups, *size, generator=g, dtype=torch.float64)
    grad = torch.randn(batch, 6, *size, generator=g, dtype=torch.float64)
    results = []
    for module in (functions, compiled):
        monkeypatch.setattr(deform_conv, 'ext_module', module)
        leaves = [t.clone().requires_grad_() for t in (x, offset, weight)]
        out = deform_conv2d(
            leaves[0], leaves[1], leaves[2], stride, padding, dilation, groups, deform_groups
        )
        out.backward(grad)
        results.append((out.detach(), *(leaf.grad for leaf in leaves)))
    for ours, other in zip(*results, strict=True):
        torch.testing.assert_close(ours, other, atol=1e-9, rtol=1e-9)
