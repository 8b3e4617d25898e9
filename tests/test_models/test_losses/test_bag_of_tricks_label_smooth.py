"""Label smoothing: both forms, the best scores of Eq. 2.5, mixed labels, wrong labels."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models.losses import LabelSmoothLoss as MMPretrainLoss

from mmvisx.models.losses import LabelSmoothLoss
from mmvisx.models.losses.bag_of_tricks_label_smooth import optimal_gap, smooth_labels
from mmvisx.registry import MODELS
from mmvisx.utils import UserError


def equation_2_4(label, K, eps):
    """Write Eq. 2.4 out."""
    return [1 - eps if i == label else eps / (K - 1) for i in range(K)]


def authors_code(label, K, eps):
    """Write the authors' form out."""
    return [1 - eps + eps / K if i == label else eps / K for i in range(K)]


FORMS = {'printed': equation_2_4, 'coded': authors_code}


def slow_loss(scores, targets):
    """Mean over the batch of -sum(p log q)."""
    total = 0.0
    for z, p in zip(scores.tolist(), targets, strict=True):
        log_sum = math.log(sum(math.exp(v) for v in z))
        total -= sum(share * (v - log_sum) for share, v in zip(p, z, strict=True))
    return total / len(targets)


@pytest.mark.parametrize('mode', FORMS)
@pytest.mark.parametrize('classes', [2, 5])
def test_targets_and_loss_against_the_equation(mode, classes):
    labels = torch.tensor([0, 1, classes - 1])
    scores = torch.randn(3, classes)
    expected = [FORMS[mode](label, classes, 0.1) for label in labels.tolist()]
    one_hot = F.one_hot(labels, classes).float()
    assert torch.allclose(smooth_labels(one_hot, 0.1, mode), torch.tensor(expected), atol=1e-7)
    loss = LabelSmoothLoss(0.1, mode=mode)
    value = loss(scores, labels, avg_factor=3)
    assert value.item() == pytest.approx(slow_loss(scores, expected), rel=1e-5)
    assert loss(scores, one_hot).item() == pytest.approx(value.item(), rel=1e-6)
    assert loss(scores, labels[:, None]).item() == pytest.approx(value.item(), rel=1e-6)


def test_the_default_is_the_printed_form():
    scores, labels = torch.randn(4, 10), torch.arange(4)
    expected = slow_loss(scores, [equation_2_4(i, 10, 0.1) for i in range(4)])
    loss = MODELS.build(dict(type='mmvisx.LabelSmoothLoss'))
    assert loss(scores, labels).item() == pytest.approx(expected, rel=1e-5)


def test_coded_form_is_mmpretrains_original():
    scores, labels = torch.randn(4, 10), torch.arange(4)
    reference = MMPretrainLoss(0.2, num_classes=10, mode='original')(scores, labels)
    assert torch.allclose(LabelSmoothLoss(0.2, mode='coded')(scores, labels), reference)
    assert not torch.allclose(LabelSmoothLoss(0.2)(scores, labels), reference, rtol=1e-3)


@pytest.mark.parametrize('mode', FORMS)
def test_mixed_labels_become_the_mixture_of_smoothed_ones(mode):
    a, b = torch.eye(6)[2], torch.eye(6)[4]
    mixed = smooth_labels(0.3 * a + 0.7 * b, 0.1, mode)
    parts = 0.3 * smooth_labels(a, 0.1, mode) + 0.7 * smooth_labels(b, 0.1, mode)
    assert torch.allclose(mixed, parts, atol=1e-7)
    assert mixed.sum().item() == pytest.approx(1, abs=1e-6)


def best_scores(loss, label, classes):
    """Minimise a free vector of scores."""
    z = torch.zeros(1, classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([z], max_iter=500, tolerance_grad=1e-12, tolerance_change=0,
                                  line_search_fn='strong_wolfe')  # fmt: skip

    def closure():
        optimizer.zero_grad()
        value = loss(z, label)
        value.backward()
        return value

    optimizer.step(closure)
    return z.detach()[0]


@pytest.mark.parametrize('epsilon', [0.01, 0.1, 0.5])
@pytest.mark.parametrize('classes', [3, 10, 1000])
def test_optimum_is_equation_2_5(epsilon, classes):
    z = best_scores(LabelSmoothLoss(epsilon, classes), torch.tensor([1]), classes)
    others = z[torch.arange(classes) != 1]
    assert others.std().item() < 1e-6
    gap = (z[1] - others.mean()).item()
    assert gap == pytest.approx(math.log((classes - 1) * (1 - epsilon) / epsilon), abs=1e-5)
    assert gap == pytest.approx(optimal_gap(epsilon, classes), abs=1e-5)


def test_optimum_of_the_coded_form_is_another_one():
    z = best_scores(LabelSmoothLoss(0.5, 3, mode='coded'), torch.tensor([1]), 3)
    gap = (z[1] - z[0]).item()
    assert gap == pytest.approx(optimal_gap(0.5, 3, 'coded'), abs=1e-5)
    assert gap == pytest.approx(math.log(4), abs=1e-5)  # (1 - 1/2 + 1/6) / (1/6)
    assert optimal_gap(0.5, 3) == pytest.approx(math.log(2))


def test_gap_of_the_chapter_and_its_ends():
    assert optimal_gap(0.1, 1000) == pytest.approx(9.1, abs=0.01)
    assert optimal_gap(0.0, 10) == math.inf
    assert optimal_gap(0.9, 10) == pytest.approx(0, abs=1e-12)  # (K - 1) / K
    assert optimal_gap(1.0, 10) == -math.inf


def test_equal_scores_are_best_at_k_minus_1_over_k():
    loss = LabelSmoothLoss(0.9, num_classes=10)
    scores = torch.zeros(1, 10, requires_grad=True)
    loss(scores, torch.tensor([3])).backward()
    assert scores.grad.abs().max() < 1e-6


def test_without_smoothing_it_is_the_cross_entropy():
    scores, labels = torch.randn(4, 10), torch.arange(4)
    assert torch.allclose(LabelSmoothLoss(0.0)(scores, labels), F.cross_entropy(scores, labels))


def test_class_weight_and_reduction():
    scores, labels = torch.randn(2, 3), torch.tensor([0, 2])
    each = LabelSmoothLoss(0.1, reduction='none', class_weight=[1.0, 2.0, 3.0])(scores, labels)
    target = smooth_labels(F.one_hot(labels, 3).float(), 0.1)
    expected = -(target * scores.log_softmax(1) * torch.tensor([1.0, 2.0, 3.0])).sum(1)
    assert torch.allclose(each, expected)
    halved = LabelSmoothLoss(0.1, loss_weight=0.5)(scores, labels)
    assert torch.allclose(halved, 0.5 * LabelSmoothLoss(0.1)(scores, labels))


@pytest.mark.parametrize('label', [10, -1])
def test_label_outside_the_range(label):
    with pytest.raises(UserError, match=rf'label {label} is outside 0 to 9.*num_classes=10'):
        LabelSmoothLoss(0.1)(torch.randn(2, 10), torch.tensor([3, label]))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(mode='original'), "mode='original' is not one of 'printed', 'coded'"),
        (dict(label_smooth_val=1.5), r'label_smooth_val=1\.5 should be from 0 to 1'),
        (dict(reduction='all'), "reduction='all'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        LabelSmoothLoss(**arguments)


def test_another_number_of_classes():
    with pytest.raises(UserError, match='num_classes=7 of the loss, but the scores have 10'):
        LabelSmoothLoss(0.1, num_classes=7)(torch.randn(2, 10), torch.tensor([3, 4]))
