"""The attack against the cross entropy's gradient, and that it leaves no trace."""

from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvisx.ops.co_training_attack import OWN_PREDICTION, check_step, fgsm
from mmvisx.utils import UserError

MEAN = torch.tensor([120.0, 110.0, 100.0]).double().view(3, 1, 1)
STD = torch.tensor([60.0, 50.0, 40.0]).double().view(3, 1, 1)
BLACK, WHITE = (0 - MEAN) / STD, (255 - MEAN) / STD


def network():
    """Convolution, batch norm, dropout, classes; half of the modules frozen or in a test's mode."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.1),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(6 * 36, 5),
    ).double()
    net[1].running_mean.normal_()
    net[1].eval()
    net[0].bias.requires_grad_(False)
    return net


def batch(n=6):
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (n, 3, 8, 8), generator=generator)
    return (pixels.double() - MEAN) / STD, torch.arange(n) % 5


def attacked(net, images, labels, **options):
    return fgsm(net, images, labels, BLACK, WHITE, **options)


def slow(net, images, labels):
    """The sign of the summed cross entropy's gradient, by PyTorch."""
    net.eval()
    pixels = images.clone().requires_grad_()
    F.cross_entropy(net(pixels), labels, reduction='sum').backward()
    return pixels.grad.sign()


def test_labelled_images_move_with_the_gradient_of_the_cross_entropy():
    images, labels = batch()
    moved = attacked(network(), images, labels, step=0.02)
    wanted = images + 0.02 * 255 / STD * slow(network(), images, labels)
    torch.testing.assert_close(moved, wanted, rtol=0, atol=1e-12)


def test_unlabelled_images_are_attacked_with_the_networks_own_class():
    images, labels = batch()
    own = network().eval()(images).argmax(1)
    assert (own != labels).any()
    labels[1::2] = OWN_PREDICTION
    targets = torch.where(labels < 0, own, labels)
    moved = attacked(network(), images, labels)
    wanted = images + 0.02 * 255 / STD * slow(network(), images, targets)
    torch.testing.assert_close(moved, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize('step', [0.0, 0.02, 1.0])
def test_every_pixel_moves_by_the_step_in_pixel_units(step):
    images, labels = batch()
    moved = attacked(network(), images, labels, step=step)
    shift = ((moved - images) * STD / 255).abs()
    torch.testing.assert_close(shift, torch.full_like(shift, step))


def test_pixels_without_a_gradient_stay():
    images, labels = batch()
    net = network()
    net[0].weight.data[:, 1] = 0  # nothing looks at the second channel
    moved = attacked(net, images, labels)
    assert torch.equal(moved[:, 1], images[:, 1])
    assert (moved[:, ::2] != images[:, ::2]).all()


def test_clamped_between_black_and_white():
    images, labels = batch()
    free, kept = (attacked(network(), images, labels, step=0.5, clamp=c) for c in (False, True))
    assert (free > WHITE).any()
    assert (free < BLACK).any()
    torch.testing.assert_close(kept, free.clamp(BLACK, WHITE))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_an_image_that_the_network_is_sure_of_is_attacked_all_the_same(dtype):
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).to(dtype)
    net[1].weight.data = torch.stack([torch.full((12,), 40.0), torch.full((12,), -40.0)]).to(dtype)
    images = torch.ones(2, 3, 2, 2, dtype=dtype)
    pixels = images.clone().requires_grad_()
    F.cross_entropy(net(pixels), torch.zeros(2, dtype=torch.long)).backward()
    assert not pixels.grad.any()  # the probability of the other class is 0 in floating point
    one, zero = torch.ones((), dtype=dtype), torch.zeros((), dtype=dtype)
    moved = fgsm(net, images, torch.zeros(2, dtype=torch.long), zero, one, step=0.5)
    assert (moved == 0.5).all()


def faint():
    """A network whose scores hardly depend on a pixel: they are means over a large map."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.LeakyReLU(0.1),
        nn.AvgPool2d(62),
        nn.Flatten(),
        nn.Linear(8, 5),
    )
    nn.init.normal_(net[4].weight, 0, 0.0002)
    return net


def test_small_gradients_do_not_vanish_in_float16():
    net = faint()
    images, labels = torch.randn(4, 3, 64, 64), torch.arange(4)
    one, zero = torch.ones(()), torch.zeros(())
    with torch.autocast('cpu', torch.float16):
        pixels = images.clone().requires_grad_()
        F.cross_entropy(net(pixels).float(), labels, reduction='sum').backward()
        moved = fgsm(net, images, labels, zero, one, step=0.5)
    assert (pixels.grad == 0).float().mean() > 0.5  # as it is without a scale
    assert (moved == images).float().mean() < 0.01
    wanted = fgsm(net, images, labels, zero, one, step=0.5)
    assert (moved == wanted).float().mean() > 0.98


def test_what_float16_cannot_hold_stays_and_spoils_nothing():
    net = faint()
    nn.init.normal_(net[4].weight, 0, 3e4)
    images, labels = torch.randn(4, 3, 64, 64), torch.arange(4)
    one, zero = torch.ones(()), torch.zeros(())
    with torch.autocast('cpu', torch.float16):
        moved = fgsm(net, images, labels, zero, one, step=0.5)
    assert moved.isfinite().all()
    assert (moved == images).any()


def test_nothing_is_left_behind():
    net = network().train()
    net[1].eval()
    images, labels = batch()
    net(images).sum().backward()
    gradients = [None if p.grad is None else p.grad.clone() for p in net.parameters()]
    state = {k: v.clone() for k, v in net.state_dict().items()}
    modes, learning = (
        [m.training for m in net.modules()],
        [p.requires_grad for p in net.parameters()],
    )
    random = torch.get_rng_state()
    before = images.clone()
    moved = attacked(net, images, labels)
    assert not moved.requires_grad
    assert not images.requires_grad
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), random)
    assert modes == [m.training for m in net.modules()]
    assert False in modes
    assert True in modes
    assert learning == [p.requires_grad for p in net.parameters()]
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)


class Spy(torch.autograd.Function):
    """A product that records which gradients are asked for."""

    asked: ClassVar[list[tuple[bool, ...]]] = []

    @staticmethod
    def forward(ctx, x, weight):
        """Multiply."""
        ctx.save_for_backward(x, weight)
        return x.flatten(1) @ weight

    @staticmethod
    def backward(ctx, gradient):
        """Return the gradient of the images alone."""
        Spy.asked.append(ctx.needs_input_grad)
        x, weight = ctx.saved_tensors
        return (gradient @ weight.T).view_as(x), None


def test_no_gradient_of_a_weight_is_computed():
    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(12, 5))

        def forward(self, x):
            return Spy.apply(x, self.weight)

    Spy.asked.clear()
    one = torch.ones(())
    fgsm(Watched(), torch.randn(2, 3, 2, 2), torch.tensor([0, -1]), 0 * one, one)
    assert Spy.asked == [(True, False)]


def test_it_works_where_no_gradient_is_recorded():
    images, labels = batch()
    with torch.no_grad():
        moved = attacked(network(), images, labels)
    assert torch.equal(moved, attacked(network(), images, labels))


def test_modes_come_back_after_an_error():
    net = network().train()
    net.append(nn.Linear(2, 2).double())  # does not fit
    with pytest.raises(RuntimeError, match='shapes'):
        attacked(net, *batch())
    assert net.training
    assert net[5].weight.requires_grad
    assert not net[0].bias.requires_grad


@pytest.mark.parametrize('step', [-0.1, 1.5, 5, float('nan')])
def test_steps_out_of_range(step):
    with pytest.raises(UserError, match=r'step=.*from 0 to 1.*255'):
        check_step(step)
