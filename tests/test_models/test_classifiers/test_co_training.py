"""Deep Co-Training against a loop written from the equations."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mmvisx.ops.co_training_bundles import pairing
from mmvisx.utils import UserError
from tests.helpers.co_training import STD, batch_of, co_training, convolutional, linear

TERMS = ('loss_sup', 'loss_cot', 'loss_dif')


def softmax(z):
    e = (z - z.max()).exp()
    return e / e.sum()


def entropy(p, q=None):
    return -sum(a * b.log() for a, b in zip(p, p if q is None else q, strict=True))


def attacked(w, c, x, label):
    """The adversarial example of a linear network: the gradient of -log p_y is W^T (p - y)."""
    p = softmax(w @ x + c).detach()
    y = torch.zeros_like(p)
    y[label if label >= 0 else int(p.argmax())] = 1
    steps = torch.tensor(STD, dtype=torch.float64).repeat_interleave(4).reciprocal() * 255 * 0.02
    return x + steps * (w.detach().T @ (p - y)).sign()


def algorithm_1(nets, bundle, cot, dif, detach):
    """The loss L of Algorithm 1, image by image.

    Args:
        nets: (W, c) of p_1 and p_2.
        bundle: Lists of (x, y) for b_1 and b_2, and of x for b_u.
    """
    b_1, b_2, b_u = bundle

    def p(i, x):
        return softmax(nets[i][0] @ x + nets[i][1])

    sup = sum(-p(0, x)[y].log() for x, y in b_1) + sum(-p(1, x)[y].log() for x, y in b_2)
    agree = 0
    for x in b_u:
        one, two = p(0, x), p(1, x)
        agree = agree + entropy((one + two) / 2) - (entropy(one) + entropy(two)) / 2
    differ = 0
    for i, own in ((0, b_1), (1, b_2)):
        for x, y in [*own, *((x, -1) for x in b_u)]:
            target = p(i, x).detach() if detach else p(i, x)
            differ = differ + entropy(target, p(1 - i, attacked(*nets[i], x, y)))
    n = len(b_1) + len(b_u)
    return sup / len(b_1) + cot * agree / len(b_u) + dif * differ / n


def parts(images, samples, b, m):
    """Cut a batch into (b_1, b_2, b_u) of every bundle, as lists."""
    flat = list(zip(images.flatten(1), (int(s.gt_label) for s in samples), strict=True))
    size = 2 * b + m
    for start in range(0, len(flat), size):
        one = flat[start : start + size]
        yield one[:b], one[b : 2 * b], [x for x, _ in one[2 * b :]]


def weights(model, i):
    return model.views[i].head.fc.weight, model.views[i].head.fc.bias


def total(losses):
    return sum(losses[name] for name in TERMS if name in losses)


# Without batch norm and dropout, the attack of the clean pass is the one of a pass of its own
@pytest.mark.parametrize(('detach', 'attack'), [(False, 'fgsm'), (True, 'fgsm'), (False, 'shared')])
@pytest.mark.parametrize(('n', 'real'), [(2, False), (2, True), (4, False), (4, True), (5, True)])
def test_a_whole_step_against_a_loop(n, real, detach, attack):
    cot, dif = 3.0, 0.7
    options = dict(lambda_cot=cot, lambda_dif=dif, detach_target=detach, attack=attack)
    model = co_training(n, real=real, pairing_seed=8, **options)
    model.steps += 3
    images, samples = batch_of(n // 2)
    loss = total(model.loss(images, samples))
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    pairs = pairing(n, 8, 3) if real else [(0, 1), (2, 3)][: n // 2]
    wanted = sum(
        algorithm_1([weights(model, i), weights(model, j)], bundle, cot, dif, detach)
        for (i, j), bundle in zip(pairs, parts(images, samples, 3, 4), strict=True)
    )
    assert abs(loss - wanted) < 1e-8
    slow = torch.autograd.grad(wanted, list(model.parameters()), allow_unused=True)
    for one, other in zip(found, slow, strict=True):
        assert (one is None) == (other is None)  # of an odd number one view rests
        assert one is None or (one - other).abs().max() < 1e-8
    assert sum(g is None for g in found) == 2 * (n % 2)


def test_a_step_of_0_gives_the_symmetric_cross_entropy():
    model = co_training(step=0.0, lambda_dif=1.0, real=False)
    images, samples = batch_of()
    found = model.loss(images, samples)
    p, q = (model.views[i](images[:, :]).softmax(1) for i in (0, 1))
    one, two = [0, 1, 2, 6, 7, 8, 9], [3, 4, 5, 6, 7, 8, 9]
    wanted = -(p * q.log()).sum(1)[one].mean() - (q * p.log()).sum(1)[two].mean()
    assert found['loss_dif'].item() == pytest.approx(wanted.item(), abs=1e-12)
    assert found['unmoved'] == 1


def test_two_real_views_are_two_fake_ones_for_the_same_batches():
    images, samples = batch_of()
    fake, real = co_training(real=False), co_training(real=True)
    swapped = co_training(real=False)
    swapped.views = swapped.views[::-1]
    seen = set()
    for step in range(8):
        pair = pairing(2, 0, step)[0]
        same = fake if pair == (0, 1) else swapped
        assert torch.equal(total(real.loss(images, samples)), total(same.loss(images, samples)))
        seen.add(pair)
    assert seen == {(0, 1), (1, 0)}


def test_pairs_are_those_of_a_resumed_training():
    model, other = co_training(4), co_training(4)
    pairs = [model._pairs() for _ in range(6)]
    assert len(set(map(tuple, pairs))) > 1
    other.load_state_dict(co_training(4).state_dict() | {'steps': torch.tensor(2)})
    assert [other._pairs() for _ in range(4)] == pairs[2:]
    assert model.state_dict()['steps'] == 6


def test_without_difference_there_is_no_attack():
    def attack(*_):
        raise AssertionError('attacked')

    found = co_training(lambda_dif=0, attack=attack).loss(*batch_of())
    assert set(found) == {'loss_sup', 'loss_cot', 'cot'}


def test_another_attack_gets_pixels_labels_and_the_range():
    calls = []

    def attack(network, images, labels, black, white):
        calls.append((network, images, labels))
        torch.testing.assert_close((white - black).flatten(), 255 / torch.tensor(STD).double())
        return images + 1

    model = co_training(real=False, attack=attack)
    images, samples = batch_of()
    model.loss(images, samples)
    (first, x_1, y_1), (second, x_2, y_2) = calls
    assert (first, second) == tuple(model.views)
    assert torch.equal(x_1, images[[0, 1, 2, 6, 7, 8, 9]])
    assert torch.equal(x_2, images[3:])
    assert y_1[:3].tolist() == [int(s.gt_label) for s in samples[:3]]
    assert y_2[:3].tolist() == [int(s.gt_label) for s in samples[3:6]]
    assert y_1[3:].tolist() == y_2[3:].tolist() == [-1] * 4


def test_clean_images_go_through_a_view_together_and_adversarial_ones_apart():
    model = co_training(view=convolutional(), real=False)
    sizes = []
    for view in model.views:
        view.backbone.register_forward_hook(
            lambda module, inputs, _: sizes.append((module.training, len(inputs[0])))
        )
    model.loss(*batch_of(size=8))
    # Attacks without training, clean images, adversarial images: of each view one
    assert sorted(sizes) == [(False, 7)] * 2 + [(True, 7)] * 4
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms} == {2}


def test_the_ramp_weighs_both_terms():
    model = co_training(real=False)
    batch = batch_of()
    whole = model.loss(*batch)
    model.ramp = 0.25
    part = model.loss(*batch)
    assert torch.equal(whole['loss_sup'], part['loss_sup'])
    for name, weight in (('cot', 10.0), ('dif', 0.5)):
        assert torch.equal(whole[name], part[name])
        torch.testing.assert_close(whole[f'loss_{name}'], weight * whole[name])
        torch.testing.assert_close(part[f'loss_{name}'], 0.25 * weight * part[name])


def test_views_start_as_their_init_cfg_says_and_differently():
    fixed, drawn = (dict(type=kind, layer='Linear') for kind in ('Constant', 'Normal'))
    views = [linear() for _ in range(3)]
    views[0]['head'] |= dict(init_cfg=dict(fixed, val=0.25))
    for view in views[1:]:
        view['head'] |= dict(init_cfg=dict(drawn, std=100.0))
    model = co_training(views)
    model.init_weights()
    first, second, third = (view.head.fc.weight for view in model.views)
    assert (first == 0.25).all()
    assert 50 < second.std() < 150
    assert not torch.equal(second, third)


def test_different_architectures_predict_their_mean():
    model = co_training([convolutional(), convolutional(channels=4)]).eval()
    images, samples = batch_of(size=8)
    found = model(images, samples, mode='predict')
    each = torch.stack([view(images).softmax(1) for view in model.views], dim=1)
    for sample, scores in zip(found, each, strict=True):
        torch.testing.assert_close(sample.view_scores, scores)
        torch.testing.assert_close(sample.pred_score, scores.mean(0))
        assert sample.pred_label.item() == scores.mean(0).argmax()
    torch.testing.assert_close(model(images), each.mean(1))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(views=1), 'at least 2 views, not 1'),
        (dict(views=3, real=False), '3 views cannot be fixed pairs'),
        (dict(views=[linear(5), linear(6)]), r'different numbers of classes: \[5, 6\]'),
        (dict(views=[linear(), dict(linear(), data_preprocessor=dict())]), 'view 1 has a data_pre'),
        (dict(views=[linear(), dict(type='ResNet', depth=18)]), 'view 1, ResNet, is no classifier'),
        (dict(step=-0.1), 'step=-0.1.*0 to 1'),
        (dict(step=5), 'step=5.*divide by 255'),
        (dict(lambda_cot=-1.0), 'lambda_cot=-1.0'),
    ],
)
def test_arguments_that_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        co_training(**options)


def test_batches_that_are_no_bundles():
    images, samples = batch_of(2)
    with pytest.raises(UserError, match=r'20 images is not made of 1 bundles.*bundles=1'):
        co_training(2).loss(images, samples)
    mixed = [DataSample().set_gt_label(torch.tensor(k % 2)) for k in range(20)]
    with pytest.raises(UserError, match=r'BundleBatchSampler'):
        co_training(4).loss(images, mixed)
