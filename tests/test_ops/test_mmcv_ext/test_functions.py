"""Ops that mmcv compiles for GPUs only, and what it says of those that are not here."""

import math

import pytest
import torch
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

from mmvisx.ops.mmcv_ext import functions
from mmvisx.utils import UserError


def pool(x, rois, bins, scale):
    out = torch.full((len(rois), x.shape[1], *bins), 9.0)
    argmax = torch.zeros(out.shape, dtype=torch.int)
    functions.roi_pool_forward(x, rois, out, argmax, *bins, scale)
    return out, argmax


def slow_pool(x, rois, bins, scale):
    """RoIPool pixel by pixel: the largest value of each bin, 0 of none."""
    height, width = x.shape[-2:]
    out = torch.zeros(len(rois), x.shape[1], *bins)
    for r, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        left, top = x1 * scale, y1 * scale
        w, h = (x2 + 1) * scale - left, (y2 + 1) * scale - top
        for i in range(bins[0]):
            for j in range(bins[1]):
                rows = range(max(0, math.floor(top + i * h / bins[0])),
                             min(height, math.ceil(top + (i + 1) * h / bins[0])))  # fmt: skip
                columns = range(max(0, math.floor(left + j * w / bins[1])),
                                min(width, math.ceil(left + (j + 1) * w / bins[1])))  # fmt: skip
                for c in range(x.shape[1]):
                    values = [x[int(image), c, a, b] for a in rows for b in columns]
                    if values and w > 0 and h > 0:
                        out[r, c, i, j] = max(values)
    return out


def test_roi_pool_against_a_slow_loop():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 9, 7, generator=g)
    rois = torch.tensor(
        [[0, 0, 0, 13, 17], [1, 3, 2, 9, 8], [0, 5, 5, 5, 5], [1, -4, -4, 30, 3], [0, 9, 9, 2, 2],
         [1, 40, 40, 50, 50]],
        dtype=torch.float32,
    )  # fmt: skip
    for bins in ((1, 1), (2, 3), (7, 7)):
        out, _ = pool(x, rois, bins, 0.5)
        torch.testing.assert_close(out, slow_pool(x, rois, bins, 0.5))


def test_roi_pool_gradient_against_autograd():
    g = torch.Generator().manual_seed(3)
    for _ in range(10):
        x = torch.randn(2, 2, 6, 7, generator=g).requires_grad_()
        image = torch.randint(2, (4, 1), generator=g)
        corner = torch.rand(4, 2, generator=g) * 12 - 2
        rois = torch.cat((image, corner, corner + torch.rand(4, 2, generator=g) * 10), 1)
        grad = torch.randn(4, 2, 3, 2, generator=g)
        expected = slow_pool(x, rois, (3, 2), 0.5)
        expected.backward(grad)
        out, argmax = pool(x.detach(), rois, (3, 2), 0.5)
        back = torch.zeros_like(x)
        functions.roi_pool_backward(grad, rois, argmax, back, 3, 2, 0.5)
        torch.testing.assert_close(out, expected.detach(), atol=1e-5, rtol=0)
        torch.testing.assert_close(back, x.grad, atol=1e-5, rtol=0)


def test_roi_pool_gradient_goes_to_the_maximum():
    x = torch.zeros(1, 1, 3, 4)
    x[0, 0, 1, 2] = 5.0
    # Two regions of one bin: the whole map twice, and one outside of it.
    rois = torch.tensor([[0, 0, 0, 3, 2.0], [0, 0, 0, 3, 2], [0, 20, 20, 25, 25]])
    out, argmax = pool(x, rois, (1, 1), 1.0)
    assert out.flatten().tolist() == [5, 5, 0]
    assert argmax.flatten().tolist() == [1 * 4 + 2, 6, -1]
    grad = torch.tensor([2.0, 3.0, 7.0]).view(3, 1, 1, 1)
    back = torch.zeros_like(x)
    functions.roi_pool_backward(grad, rois, argmax, back, 1, 1, 1.0)
    expected = torch.zeros_like(x)
    expected[0, 0, 1, 2] = 5.0
    assert torch.equal(back, expected)


@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (0.0, 0.5), (1.5, 0.9)])
@pytest.mark.parametrize('weighted', [False, True])
def test_sigmoid_focal_loss_is_mmdets(gamma, alpha, weighted):
    g = torch.Generator().manual_seed(1)
    x = (torch.randn(6, 4, generator=g) * 3).requires_grad_()
    target = torch.tensor([0, 3, 4, 1, 4, 2])  # 4: none
    weight = torch.rand(4, generator=g) if weighted else torch.empty(0)
    one_hot = torch.nn.functional.one_hot(target, 5)[:, :4].float()
    loss = py_sigmoid_focal_loss(x, one_hot, gamma=gamma, alpha=alpha, reduction='none')
    if weighted:
        rows = target != 4  # the compiled one reads beyond the weights there
        loss = loss * weight[target.clamp(max=3)][:, None]
    else:
        rows = torch.ones(6, dtype=torch.bool)
    (expected,) = torch.autograd.grad(loss.sum(), x)
    out, grad = torch.zeros(6, 4), torch.zeros(6, 4)
    functions.sigmoid_focal_loss_forward(x.detach(), target, weight, out, gamma, alpha)
    functions.sigmoid_focal_loss_backward(x.detach(), target, weight, grad, gamma, alpha)
    torch.testing.assert_close(out[rows], loss.detach()[rows], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(grad[rows], expected[rows], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize('weighted', [False, True])
def test_softmax_focal_loss_from_the_equation(weighted):
    g = torch.Generator().manual_seed(2)
    x = (torch.randn(5, 3, generator=g, dtype=torch.float64) * 2).requires_grad_()
    target = torch.tensor([0, 2, 1, -1, 2])
    weight = torch.rand(3, generator=g, dtype=torch.float64)
    gamma, alpha = 2.0, 0.25
    p = x.softmax(1)
    rows = [
        -alpha * (1 - p[n, t]) ** gamma * p[n, t].log() * (weight[t] if weighted else 1)
        if t >= 0
        else 0 * p[n, 0]
        for n, t in enumerate(target.tolist())
    ]
    loss = torch.stack(rows)
    (expected,) = torch.autograd.grad(loss.sum(), x)
    used = weight if weighted else weight[:0]
    out, grad, buff = loss.new_zeros(5), torch.zeros_like(p), loss.new_zeros(5)
    with torch.no_grad():
        functions.softmax_focal_loss_forward(p, target, used, out, gamma, alpha)
        functions.softmax_focal_loss_backward(p, target, used, buff, grad, gamma, alpha)
    torch.testing.assert_close(out, loss.detach())
    torch.testing.assert_close(grad, expected)


def test_other_ops_say_how_to_get_them():
    with pytest.raises(UserError, match=r"op 'carafe_forward' .* 'make setup OPS=compiled'"):
        functions.carafe_forward(1, 2)
    x = torch.zeros(1, 1, 2, 2)
    with pytest.raises(UserError, match="pool_mode='max'"):
        functions.roi_align_forward(x, torch.zeros(1, 5), x, x, x, 2, 2, 1.0, 0, 0, True)
