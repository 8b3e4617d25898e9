"""Label smoothing in detection heads."""

import math

import pytest
import torch
from mmdet.models.losses import CrossEntropyLoss
from mmengine.registry import init_default_scope

from mmvisx.models.losses import SmoothedCrossEntropyLoss, SmoothedSigmoidLoss
from mmvisx.models.losses.detection_label_smooth import sigmoid_targets, smoothed_cross_entropy
from mmvisx.registry import MODELS
from mmvisx.surgery import weight_box_losses
from mmvisx.utils import UserError
from tests.helpers.detection_families import BOXES, batch, build_model, losses, model_config


def softmax_by_hand(scores, labels, epsilon, smooth_background):
    """Eqs. 5.1 to 5.3, one term after the other."""
    values = []
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        total = sum(math.exp(z) for z in row)
        loss = 0.0
        for index, z in enumerate(row):
            q = float(index == label)
            if smooth_background or label != len(row) - 1:
                q = (1 - epsilon) * q + epsilon / len(row)
            loss -= q * math.log(math.exp(z) / total)
        values.append(loss)
    return torch.tensor(values, dtype=scores.dtype)


@pytest.mark.parametrize('smooth_background', [True, False])
@pytest.mark.parametrize('epsilon', [0.0, 0.1, 1.0])
def test_softmax_against_the_equations(epsilon, smooth_background):
    scores = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 3, 4, 4, 1])
    weight = torch.rand(7)
    got = smoothed_cross_entropy(scores, labels, epsilon, smooth_background)
    expected = softmax_by_hand(scores, labels, epsilon, smooth_background)
    torch.testing.assert_close(got, expected)
    loss = SmoothedCrossEntropyLoss(epsilon, smooth_background, loss_weight=0.5)
    torch.testing.assert_close(
        loss(scores, labels, weight, avg_factor=3.0), 0.5 * (expected * weight).sum() / 3
    )
    torch.autograd.gradcheck(
        lambda s: smoothed_cross_entropy(s, labels, epsilon, smooth_background), scores
    )


@pytest.mark.parametrize(
    'options',
    [{}, dict(class_weight=[1.0, 2, 3]), dict(ignore_index=1), dict(avg_non_ignore=True)],
)
def test_softmax_without_smoothing_is_mmdets_loss(options):
    scores, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    options.setdefault('ignore_index', 2)
    loss, reference = SmoothedCrossEntropyLoss(0.0, **options), CrossEntropyLoss(**options)
    for weight, avg_factor, reduction in (
        (None, None, None),
        (torch.rand(6), 4.0, None),
        (torch.rand(6), None, 'none'),
    ):
        arguments = dict(weight=weight, avg_factor=avg_factor, reduction_override=reduction)
        assert torch.equal(
            loss(scores, labels, **arguments), reference(scores, labels, **arguments)
        )


def test_softmax_minimum_has_the_smoothed_probabilities():
    scores = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.LBFGS([scores], max_iter=100, tolerance_grad=1e-9)

    def closure():
        optimizer.zero_grad()
        loss = SmoothedCrossEntropyLoss(0.2)(scores, torch.tensor([1]))
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = torch.tensor([[0.05, 0.85, 0.05, 0.05]])
    torch.testing.assert_close(scores.softmax(1).detach(), expected, atol=1e-4, rtol=0)


def test_sigmoid_targets_by_hand():
    rows = torch.tensor([[0.0, 1, 0, 0], [0, 0, 0, 0]])
    got = sigmoid_targets(rows)
    # K = 4: d = 1/40
    torch.testing.assert_close(got[0], torch.tensor([0.025, 0.975, 0.025, 0.025]))
    assert torch.equal(got[1], rows[1])
    wide = torch.zeros(1, 80)
    wide[0, 3] = 1
    # K = 80: d = 1/80
    assert sigmoid_targets(wide)[0, 3] == 1 - 1 / 80
    assert sigmoid_targets(wide)[0, 4] == 1 / 80
    # Eq. 5.3 with e = 0.1
    torch.testing.assert_close(
        sigmoid_targets(rows, 'printed')[0], torch.tensor([0.025, 0.925, 0.025, 0.025])
    )
    torch.testing.assert_close(
        sigmoid_targets(rows, 'printed', 0.4, smooth_background=True)[1], torch.full((4,), 0.1)
    )


@pytest.mark.parametrize('mode', ['coded', 'printed'])
def test_sigmoid_of_class_indices_and_of_one_hot_rows(mode):
    scores = torch.randn(5, 3)
    labels = torch.tensor([0, 2, 3, 1, 3])
    one_hot = torch.nn.functional.one_hot(labels, 4)[:, :3].float()
    weight = torch.rand(5)
    loss = SmoothedSigmoidLoss(mode, loss_weight=2.0)
    expected = torch.zeros(())
    for score, row, factor in zip(scores, sigmoid_targets(one_hot, mode), weight, strict=True):
        for z, q in zip(score, row, strict=True):
            p = z.sigmoid()
            expected -= factor * (q * p.log() + (1 - q) * (1 - p).log())
    expected = 2 * expected / 7
    torch.testing.assert_close(loss(scores, labels, weight, avg_factor=7.0), expected)
    # YOLOv3's layout: one more dimension, weights with a last dimension of 1.
    torch.testing.assert_close(
        loss(scores[None], one_hot[None], weight[None, :, None], avg_factor=7.0), expected
    )


@pytest.mark.parametrize('options', [{}, dict(class_weight=[1.0, 2, 3]), dict(ignore_index=1)])
def test_sigmoid_without_smoothing_is_mmdets_loss(options):
    scores, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 3, -1, 0])
    loss = SmoothedSigmoidLoss(label_smooth_val=0.0, **options)
    reference = CrossEntropyLoss(use_sigmoid=True, **options)
    for weight, avg_factor in ((None, None), (torch.rand(6), 4.0)):
        torch.testing.assert_close(
            loss(scores, labels, weight, avg_factor), reference(scores, labels, weight, avg_factor)
        )


HEADS = {
    'YOLOv3': dict(type='mmvisx.SmoothedSigmoidLoss', reduction='sum'),
    'RetinaNet': dict(type='mmvisx.SmoothedSigmoidLoss', use_sigmoid=True),
    'Faster R-CNN': dict(type='mmvisx.SmoothedCrossEntropyLoss'),
    'HTC': dict(type='mmvisx.SmoothedCrossEntropyLoss', label_smooth_val=0.2),
}


@pytest.mark.parametrize('family', HEADS)
def test_in_a_head_and_with_box_weights(family):
    init_default_scope('mmdet')
    plain = losses(build_model(model_config(family)))
    model = model_config(family)
    heads = model.roi_head.bbox_head if 'roi_head' in model else model.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.loss_cls = HEADS[family]
    detector = build_model(model)
    smooth = losses(detector)
    for name, value in smooth.items():
        assert torch.isfinite(value).all()
        # A cascade's later stages see the first one's boxes, so their losses do not change.
        assert torch.equal(value, plain[name]) == (name.rpartition('.')[2] != 'loss_cls')
    weight_box_losses(detector)
    none, half, full = (
        losses(detector, [[w] * len(boxes) for boxes in BOXES]) for w in (0.0, 0.5, 1.0)
    )
    for name, value in half.items():
        assert torch.equal(full[name], smooth[name])
        torch.testing.assert_close(value, (none[name] + full[name]) / 2, rtol=1e-4, atol=1e-5)


def test_with_yolo_head_of_mmdet():
    """The printed form is what ``one_hot_smoother`` of mmdet's YOLOv3 does."""
    init_default_scope('mmdet')
    model = model_config('YOLOv3')
    model.bbox_head.one_hot_smoother = 0.3
    reference = losses(build_model(model))
    model = model_config('YOLOv3')
    model.bbox_head.loss_cls = dict(
        type='mmvisx.SmoothedSigmoidLoss', mode='printed', label_smooth_val=0.3, reduction='sum'
    )
    got = losses(build_model(model))
    for name, value in reference.items():
        torch.testing.assert_close(got[name], value, rtol=1e-5, atol=1e-5)


def test_mixed_precision():
    _, samples = batch()
    labels = samples[0].gt_instances.labels
    for config in (
        dict(type='mmvisx.SmoothedCrossEntropyLoss', smooth_background=False),
        dict(type='mmvisx.SmoothedSigmoidLoss'),
    ):
        loss = MODELS.build(config)
        scores = torch.randn(len(labels), 3)
        with torch.autocast('cpu', torch.bfloat16):
            low = loss(scores.bfloat16(), labels)
        torch.testing.assert_close(low.float(), loss(scores, labels), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: SmoothedCrossEntropyLoss(1.5), r'label_smooth_val=1\.5 should be from 0 to 1'),
        (lambda: SmoothedSigmoidLoss('soft'), "mode='soft' is not one of 'coded', 'printed'"),
        (lambda: SmoothedSigmoidLoss(label_smooth_val=0.6), 'should be from 0 to 0.5'),
        (lambda: SmoothedSigmoidLoss(use_sigmoid=False), 'SmoothedCrossEntropyLoss'),
    ],
)
def test_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()
