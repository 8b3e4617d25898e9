"""Losses of ViP-DeepLab against loops, hand-computed numbers and gradcheck."""

import math

import pytest
import torch

from mmvisx.models.losses.vip_deeplab_depth import DepthLoss, depth_loss
from mmvisx.models.losses.vip_deeplab_panoptic import (
    HardestCrossEntropyLoss,
    hardest_cross_entropy,
    mean_of_images,
)
from mmvisx.utils import UserError

draw = torch.Generator().manual_seed(0)


def loop(depth, truth):
    """Eq. 7.4 of one image, pixel by pixel."""
    pixels = [(d, t) for d, t in zip(depth.flatten(), truth.flatten(), strict=True) if t > 0]
    n = len(pixels)
    logs = [math.log(t) - math.log(d) for d, t in pixels]
    relative = [((t - d) / t) ** 2 for d, t in pixels]
    scale = sum(e * e for e in logs) / n - sum(logs) ** 2 / n**2
    return scale + math.sqrt(sum(relative) / n)


def maps(known=0.7):
    depth = 1 + 80 * torch.rand(3, 4, 5, generator=draw, dtype=torch.float64)
    truth = 1 + 80 * torch.rand(3, 4, 5, generator=draw, dtype=torch.float64)
    return depth, truth * (torch.rand(3, 4, 5, generator=draw) < known)


def test_depth_loss_equals_the_loop():
    depth, truth = maps()
    each = [loop(d, t) for d, t in zip(depth, truth, strict=True)]
    wanted = torch.tensor(each, dtype=torch.float64)
    torch.testing.assert_close(depth_loss(depth.log(), truth), wanted, rtol=1e-9, atol=1e-12)


def test_depth_loss_by_hand():
    # Twice as deep everywhere: the proportions are right, each pixel is off by all of it.
    truth = torch.tensor([[[2.0, 5.0, 0.0]]])
    torch.testing.assert_close(depth_loss((2 * truth + 1e-9).log(), truth), torch.tensor([1.0]))
    # One pixel has no proportions.
    one = torch.tensor([[[4.0]]])
    torch.testing.assert_close(depth_loss(torch.tensor([[[3.0]]]).log(), one), torch.tensor([0.25]))


def test_depth_loss_of_logits_is_that_of_their_depth():
    _, truth = maps()
    logits = torch.randn(3, 4, 5, generator=draw, dtype=torch.float64)
    depth = 88 * torch.sigmoid(logits)
    wanted = sum(loop(d, t) for d, t in zip(depth, truth, strict=True)) / 3
    found = DepthLoss(max_depth=88.0)(logits, truth)
    assert float(found) == pytest.approx(float(wanted), rel=1e-9)


def test_gradient_of_the_depth_loss():
    _, truth = maps()
    logits = torch.randn(3, 4, 5, generator=draw, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: DepthLoss(reduction='none')(x, truth), logits)


@pytest.mark.parametrize('level', [-1e4, -200.0, 0.0, 200.0, 1e4])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_saturated_sigmoids_are_finite_and_learn(level, dtype):
    truth = torch.tensor([[[0.01, 30.0, 87.9]]])
    logits = torch.full((1, 1, 3), level, dtype=dtype, requires_grad=True)
    loss = DepthLoss()(logits, truth)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    if level < 0:  # where the sigmoid is 0, the proportions still pull
        assert logits.grad.all()


@pytest.mark.parametrize('error', [0.0, 3.0])
def test_no_known_pixel_and_no_error(error):
    truth = torch.zeros(2, 2, 2)
    truth[0] = 5.0
    log_depth = (torch.full((2, 2, 2), 5.0).log() + error * (truth == 0)).requires_grad_()
    loss = depth_loss(log_depth, truth)
    assert loss[0] < 1e-6
    assert loss[1] == 0
    loss.sum().backward()
    assert log_depth.grad.isfinite().all()
    assert not log_depth.grad[1].any()


def test_hardest_pixels_equal_the_loop():
    scores = torch.randn(3, 4, 5, 6, generator=draw, dtype=torch.float64)
    labels = torch.randint(0, 4, (3, 5, 6), generator=draw)
    labels[torch.rand(3, 5, 6, generator=draw) < 0.3] = 255
    weight = 1.0 + 2.0 * torch.randint(0, 2, (3, 5, 6), generator=draw)
    wanted = []
    for n in range(3):
        losses = []
        for y in range(5):
            for x in range(6):
                if labels[n, y, x] != 255:
                    row = scores[n, :, y, x]
                    own = row[labels[n, y, x]]
                    losses.append(float(weight[n, y, x] * (row.exp().sum().log() - own)))
        count = math.ceil(0.2 * len(losses))
        wanted.append(sum(sorted(losses)[-count:]) / count)
    found = hardest_cross_entropy(scores, labels, weight)
    wanted = torch.tensor(wanted, dtype=torch.float64)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=0)


def test_all_pixels_are_the_plain_mean():
    scores = torch.randn(1, 4, 5, 6, generator=draw)
    labels = torch.randint(0, 4, (1, 5, 6), generator=draw)
    plain = torch.nn.functional.cross_entropy(scores, labels)
    torch.testing.assert_close(HardestCrossEntropyLoss(share=1.0)(scores, labels), plain)


def test_an_image_without_labels_has_no_loss():
    scores = torch.randn(2, 4, 5, 6, generator=draw, requires_grad=True)
    labels = torch.zeros(2, 5, 6, dtype=torch.long)
    labels[1] = 255
    losses = hardest_cross_entropy(scores, labels)
    assert losses[1] == 0
    losses.sum().backward()
    assert not scores.grad[1].any()
    assert scores.grad.isfinite().all()


def test_images_count_alike_however_many_pixels_they_have():
    losses = torch.zeros(2, 2, 2, 3)
    losses[0] = 1.0  # both values of each pixel
    losses[1, 0, 0, 0] = 5.0
    losses[1, 1, 1] = float('nan')  # outside the mask
    mask = torch.ones(2, 1, 2, 3, dtype=torch.bool)
    mask[1, :, 1] = False
    # (2 + 5 / 3) / 2
    assert float(mean_of_images(losses, mask)) == pytest.approx(11 / 6)
    assert float(mean_of_images(losses[:1], mask[:1] & False)) == 0


@pytest.mark.parametrize('cls', [DepthLoss, HardestCrossEntropyLoss])
def test_an_unknown_reduction(cls):
    with pytest.raises(UserError, match="reduction='max' is not"):
        cls(reduction='max')


@pytest.mark.parametrize('share', [0, 1.1])
def test_a_share_outside_the_image(share):
    with pytest.raises(UserError, match=f'share={share} of the hardest'):
        HardestCrossEntropyLoss(share=share)
