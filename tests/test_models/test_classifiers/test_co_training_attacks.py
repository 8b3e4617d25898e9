"""Attacks of co-trained networks: of the clean forward, of several steps, of another library."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from mmvisx.ops.co_training import jensen_shannon_loss, view_difference_loss
from mmvisx.ops.co_training_attack import only_inputs_learn, targets_of
from mmvisx.utils import UserError
from tests.helpers.co_training import MEAN, STD, batch_of, co_training, convolutional, linear

STEP = 255 * 0.02 / torch.tensor(STD, dtype=torch.float64).view(3, 1, 1)
EPS, MOMENTUM = 1e-5, 0.1


@MODELS.register_module(force=True)
class ConvNorm(nn.Module):
    """A convolution with batch norm, as a backbone."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        """Map images to a tuple of one map."""
        return (F.leaky_relu(self.norm(self.conv(x)), 0.1),)


def normed():
    """Config of a classifier with batch norm, for images of 3x6x6."""
    return dict(
        type='ImageClassifier',
        backbone=dict(type='mmengine.ConvNorm'),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=5, in_channels=4),
    )


def slow_scores(w, x):
    """Scores of a view in training, from the equations; and the batch's mean and variance."""
    z = F.conv2d(x, w['backbone.conv.weight'], w['backbone.conv.bias'])
    mean = z.mean((0, 2, 3), keepdim=True)
    variance = ((z - mean) ** 2).mean((0, 2, 3), keepdim=True)
    z = (z - mean) / (variance + EPS).sqrt()
    z = z * w['backbone.norm.weight'].view(-1, 1, 1) + w['backbone.norm.bias'].view(-1, 1, 1)
    z = torch.where(z > 0, z, 0.1 * z).mean((2, 3))
    count = x.shape[0] * 16  # maps are 4x4
    statistics = mean.detach().flatten(), variance.detach().flatten() * count / (count - 1)
    return z @ w['head.fc.weight'].T + w['head.fc.bias'], statistics


def slow_step(nets, b, x_1, x_2, y_1, y_2, cot, dif):
    """The loss of a step, and the batch norm statistics of each view in order."""
    seen, clean, adversarial = ([], []), [], []
    for i, (x, y) in enumerate(((x_1, y_1), (x_2, y_2))):
        scores, statistics = slow_scores(nets[i], x)
        seen[i].append(statistics)
        clean.append(scores)
        # The gradient of another graph; what is raised are the odds against each image's class,
        # which is not the cross entropy where batch statistics make images depend on each other
        pixels = x.clone().requires_grad_()
        again = slow_scores({k: v.detach() for k, v in nets[i].items()}, pixels)[0]
        targets = torch.cat([y[:b], again[b:].argmax(1)])
        chances = [z.softmax(0)[t] for z, t in zip(again, targets, strict=True)]
        loss = sum(((1 - p) / p).log() for p in chances)
        adversarial.append(x + STEP * torch.autograd.grad(loss, pixels)[0].sign())
    total = sum(F.cross_entropy(p[:b], y[:b]) for p, y in zip(clean, (y_1, y_2), strict=True))
    total = total + cot * jensen_shannon_loss(clean[0][b:], clean[1][b:]).mean()
    for i in (0, 1):
        scores, statistics = slow_scores(nets[1 - i], adversarial[i])
        seen[1 - i].append(statistics)
        total = total + dif * view_difference_loss(clean[i], scores).mean()
    return total, seen


def test_the_shared_attack_against_a_loop():
    model = co_training(view=normed(), attack='shared', lambda_cot=3.0, lambda_dif=0.7, real=False)
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0, 0.5)
    images, samples = batch_of(size=6)
    losses = model.loss(images, samples)
    assert all(p.grad is None for p in model.parameters())
    assert losses['unmoved'] == 0
    loss = sum(value for name, value in losses.items() if name.startswith('loss'))
    found = torch.autograd.grad(loss, list(model.parameters()))
    labels = torch.cat([s.gt_label for s in samples])
    one, two = [0, 1, 2, 6, 7, 8, 9], [3, 4, 5, 6, 7, 8, 9]
    nets = [dict(view.named_parameters()) for view in model.views]
    wanted, seen = slow_step(
        nets, 3, images[one], images[two], labels[one], labels[two], cot=3.0, dif=0.7
    )
    assert abs(loss - wanted) < 1e-8
    slow = torch.autograd.grad(wanted, list(model.parameters()))
    assert max((a - b).abs().max() for a, b in zip(found, slow, strict=True)) < 1e-8
    # Running statistics move once for the clean images and once for the adversarial ones
    for view, passes in zip(model.views, seen, strict=True):
        norm = view.backbone.norm
        mean, variance = torch.zeros(4).double(), torch.ones(4).double()
        for m, v in passes:
            mean, variance = (1 - MOMENTUM) * mean + MOMENTUM * m, 0.9 * variance + 0.1 * v
        torch.testing.assert_close(norm.running_mean, mean, rtol=0, atol=1e-10)
        torch.testing.assert_close(norm.running_var, variance, rtol=0, atol=1e-10)
        assert norm.num_batches_tracked == 2


def test_the_shared_attack_saves_a_forward():
    sizes = {}
    for attack in ('fgsm', 'shared'):
        model = co_training(view=convolutional(), real=False, attack=attack)
        calls = sizes[attack] = []
        for view in model.views:
            view.backbone.register_forward_hook(
                lambda module, inputs, _, calls=calls: calls.append(len(inputs[0]))
            )
        model.loss(*batch_of(size=8))
    assert sizes == {'fgsm': [7] * 6, 'shared': [7] * 4}


def test_the_shared_attack_where_no_gradient_is_recorded():
    # As CheckFiniteLossHook repeats a step to find the layer with NaN
    model, again = (co_training(attack='shared') for _ in range(2))
    batch = batch_of()
    with torch.no_grad():
        quiet = again.loss(*batch)
    loud = model.loss(*batch)
    assert all(torch.equal(loud[name], quiet[name]) for name in loud)


@MODELS.register_module(force=True)
class PGD:
    """Projected gradient descent: steps of a third, never further away than all three."""

    def __init__(self, step, times):
        self.step, self.times = step, times

    def __call__(self, network, images, labels, black, white):
        """Return adversarial examples."""
        moved = images.clone()
        unit = white - black
        with only_inputs_learn(network):
            for _ in range(self.times):
                moved.requires_grad_()
                scores = network(moved)
                loss = F.cross_entropy(scores, targets_of(scores, labels), reduction='sum')
                signs = torch.autograd.grad(loss, moved)[0].sign()
                moved = moved.detach() + self.step / self.times * 2 * unit * signs
                moved = images + (moved - images).clamp(-self.step * unit, self.step * unit)
        return moved


def test_an_attack_of_three_steps_from_a_config():
    attack = dict(type='mmengine.PGD', step=0.05, times=3)
    model = co_training(view=convolutional(), attack=attack, real=False)
    images, samples = batch_of(size=8)
    statistics = [b.clone() for b in model.views.buffers()]
    networks = []
    whole = model.attack

    def watched(network, x, labels, black, white):
        networks.append(network)
        moved = whole(network, x, labels, black, white)
        shift = ((moved - x) / (white - black)).abs()
        assert shift.max() <= 0.05 + 1e-12
        assert (shift > 0.03).float().mean() > 0.3  # further than one of its three steps
        scores = network.eval()(torch.cat([x, moved]))
        before, after = F.cross_entropy(
            scores, targets_of(scores[:7], labels).repeat(2), reduction='none'
        ).chunk(2)
        network.train()
        assert (after > before).all()
        return moved

    model.attack = watched
    losses = model.loss(images, samples)
    assert networks == list(model.views)
    loss = sum(value for name, value in losses.items() if name.startswith('loss'))
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())
    assert any(
        not torch.equal(a, b) for a, b in zip(statistics, model.views.buffers(), strict=True)
    )


class OfAnotherLibrary:
    """Stands for an attack of torchattacks: built on a network, for images from 0 to 1."""

    def __init__(self, network):
        self.network = network

    def __call__(self, images, labels):
        """Return images from 0 to 1."""
        assert images.min() >= 0
        assert images.max() <= 1
        pixels = images.clone().requires_grad_()
        loss = F.cross_entropy(self.network(pixels), labels)
        return (images + 0.02 * torch.autograd.grad(loss, pixels)[0].sign()).detach()


def test_an_attack_that_wants_images_from_0_to_1():
    def attack(network, images, labels, black, white):
        with only_inputs_learn(network):
            targets = targets_of(network(images), labels)
            other = OfAnotherLibrary(lambda x: network(x * (white - black) + black))
            return other((images - black) / (white - black), targets) * (white - black) + black

    generator = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (10, 3, 2, 2), generator=generator).double()
    mean, std = (torch.tensor(v).double().view(3, 1, 1) for v in (MEAN, STD))
    images, samples = (pixels - mean) / std, batch_of()[1]
    found, own = co_training(attack=attack), co_training()
    torch.testing.assert_close(
        found.loss(images, samples)['dif'], own.loss(images, samples)['dif'], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize('attack', ['pgd', 3, None])
def test_what_is_no_attack(attack):
    with pytest.raises(UserError, match=f"attack={attack!r} is neither 'fgsm', 'shared'"):
        co_training(view=linear(), attack=attack)
