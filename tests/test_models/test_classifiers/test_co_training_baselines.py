"""Supervised views, Pi models and mean teachers against loops over images."""

import pytest
import torch

from mmvisx.models.classifiers import MeanTeacher, PiModel, SupervisedViews
from mmvisx.utils import UserError
from tests.helpers.co_training import MEAN, STD, batch_of, convolutional, linear


def build(kind, views=2, view=None, **options):
    """Return such a classifier in float64."""
    torch.manual_seed(0)
    views = [view or linear() for _ in range(views)]
    model = kind(views, data_preprocessor=dict(mean=MEAN, std=STD), **options).double()
    for parameter in model.views.parameters():
        if parameter.dim() < 4:
            torch.nn.init.normal_(parameter, 0, 0.3)
    return model.train()


def softmax(z):
    e = (z - z.max()).exp()
    return e / e.sum()


def with_twins(bundles, b=3, m=4, size=2):
    """A batch, and behind it the same images a little different."""
    images, samples = batch_of(bundles, b, m, size)
    noise = torch.randn(
        images.shape, dtype=images.dtype, generator=torch.Generator().manual_seed(7)
    )
    return torch.cat([images, images + 0.5 * noise]), samples + samples


def fc(network):
    return network.head.fc.weight, network.head.fc.bias


def loop(networks, teachers, images, samples, b, m, weight):
    """The sum of all networks' losses, image by image.

    Args:
        teachers: (W, c) of each, or None for the network itself with a gradient.
    """
    flat = images.flatten(1)
    half = len(flat) // 2
    total = 0
    for k, (w, c) in enumerate(networks):
        start = k // 2 * (2 * b + m)
        own = range(start + k % 2 * b, start + k % 2 * b + b)
        rest = range(start + 2 * b, start + 2 * b + m)
        tw, tc = teachers[k] if teachers else (w, c)
        for i in own:
            total = total - softmax(w @ flat[i] + c)[int(samples[i].gt_label)].log() / b
        for i in (*own, *rest):
            gap = softmax(w @ flat[i] + c) - softmax(tw @ flat[half + i] + tc)
            total = total + weight * sum(gap**2) / len(c) / (b + m)
    return total


@pytest.mark.parametrize('n', [2, 4])
def test_a_step_of_a_pi_model_against_a_loop(n):
    model = build(PiModel, n, weight=30.0)
    model.ramp = 0.5
    images, samples = with_twins(n // 2)
    losses = model.loss(images, samples)
    loss = losses['loss_sup'] + losses['loss_con']
    wanted = loop([fc(v) for v in model.views], None, images, samples, 3, 4, 15.0)
    assert abs(loss - wanted) < 1e-10
    assert losses['con'].item() == pytest.approx(losses['loss_con'].item() / 15 / n)
    parameters = list(model.parameters())
    found = torch.autograd.grad(loss, parameters)
    for one, other in zip(found, torch.autograd.grad(wanted, parameters), strict=True):
        assert (one - other).abs().max() < 1e-10


def test_steps_of_a_mean_teacher_against_a_loop():
    model = build(MeanTeacher, weight=20.0, momentum=0.3)
    images, samples = with_twins(1)
    learning = list(model.views.parameters())
    optimizer = torch.optim.SGD(learning, 0.5)
    averages = None
    for step in range(5):
        now = [[part.detach().clone() for part in fc(view)] for view in model.views]
        # alpha = min(1 - 1 / (t + 1), alpha_max), from the first weights themselves
        share = max(0.3, 1 / (step + 1))
        averages = [
            [a + share * (x - a) for a, x in zip(old, new, strict=True)]
            for old, new in zip(averages or now, now, strict=True)
        ]
        losses = model.loss(images, samples)
        loss = losses['loss_sup'] + losses['loss_con']
        wanted = loop([fc(v) for v in model.views], averages, images, samples, 3, 4, 20.0)
        assert abs(loss - wanted) < 1e-10
        found = torch.autograd.grad(loss, learning, retain_graph=True)
        for one, other in zip(found, torch.autograd.grad(wanted, learning), strict=True):
            assert (one - other).abs().max() < 1e-10
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert share == 0.3


def test_teachers_predict_and_are_in_checkpoints():
    model = build(MeanTeacher)
    images, samples = with_twins(1)
    model.loss(images, samples)
    for view in model.views:
        torch.nn.init.zeros_(view.head.fc.weight)
    found = model(images[:2], mode='predict')[0].view_scores
    weight, bias = fc(model.teachers[1].module)
    torch.testing.assert_close(found[1], softmax(weight @ images[0].flatten() + bias))
    state = model.state_dict()
    other = build(MeanTeacher)
    other.load_state_dict(state)
    assert other.teachers[0].steps == 1
    assert torch.equal(other(images), model(images))
    assert not any(p.requires_grad for p in model.teachers.parameters())


def test_teachers_have_batch_norm_statistics_of_their_own():
    model = build(MeanTeacher, view=convolutional(), momentum=0.01)
    images, samples = with_twins(1, size=8)
    model.loss(images, samples)
    student, teacher = model.views[0].backbone, model.teachers[0].module.backbone
    mean = dict(teacher.named_buffers())
    mean = {name: value.clone() for name, value in mean.items() if 'running_mean' in name}
    assert any(
        (value - dict(student.named_buffers())[n]).abs().max() > 1e-4 for n, value in mean.items()
    )
    for name, value in teacher.named_buffers():
        if 'running_mean' in name:
            value.fill_(5.0)
    model.teachers[0].update_parameters(model.views[0])
    assert all((dict(teacher.named_buffers())[name] == 5).all() for name in mean)


def test_supervised_views_learn_from_their_part_each():
    model = build(SupervisedViews, 2)
    images, samples = batch_of(b=3, m=0)
    loss = model.loss(images, samples)['loss_sup']
    wanted = 0
    for k, view in enumerate(model.views):
        w, c = fc(view)
        for i in range(3 * k, 3 * k + 3):
            wanted -= softmax(w @ images[i].flatten() + c)[int(samples[i].gt_label)].log() / 3
    assert abs(loss - wanted) < 1e-12
    with pytest.raises(UserError, match='10 images, 4 of them unlabelled, for 2 views'):
        model.loss(*batch_of())
    with pytest.raises(UserError, match='a batch of 5 images'):
        model.loss(images[:5], samples[:5])


def test_without_twins():
    with pytest.raises(UserError, match='14 images is not made of 2 bundles'):
        build(PiModel).loss(*batch_of(b=4, m=6))
    images, samples = batch_of(2)
    with pytest.raises(UserError, match=r'batch_sampler.twins=True'):
        build(PiModel).loss(images, samples)
