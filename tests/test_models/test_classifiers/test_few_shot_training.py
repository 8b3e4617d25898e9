"""Training a predictor: loss and gradients against a loop over classes."""

import math

import torch

from mmvisx.models.classifiers.few_shot_training import PredictorTraining, prediction_loss


def build(depth=2):
    torch.manual_seed(0)
    predictor = dict(type='mmvisx.ParameterPredictor', channels=4, depth=depth)
    model = PredictorTraining(predictor).double()
    for p in model.parameters():
        torch.nn.init.normal_(p)
    return model


def slow_loss(weights, activations, labels):
    """Return Eq. 2.2 for one statistic set, image by image and class by class."""
    total = 0.0
    for x, y in zip(activations, labels, strict=True):
        scores = [sum(w[i] * x[i] for i in range(len(x))) for w in weights]
        total = total - scores[y] + torch.stack([s.exp() for s in scores]).sum().log()
    return total / len(labels)


def test_loss_and_gradients_against_the_loop():
    model = build()
    statistics, activations = torch.rand(2, 3, 4).double()
    labels = torch.tensor([2, 0, 1])
    model([statistics], [activations], [labels], mode='loss')['loss'].backward()
    found = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    weights = torch.stack([model.predictor(s) for s in statistics])
    expected = slow_loss(weights, activations, labels)
    assert math.isclose(
        float(expected), float(prediction_loss(weights, activations, labels)), rel_tol=1e-12
    )
    expected.backward()
    for ours, p in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(ours, p.grad)


def test_two_sets_are_averaged():
    model = build()
    a, b = torch.rand(2, 2, 3, 4).double()
    labels = torch.arange(3)
    one = [model([s], [x], [labels], mode='loss')['loss'] for s, x in (a, b)]
    both = model([a[0], b[0]], [a[1], b[1]], [labels] * 2, mode='loss')['loss']
    torch.testing.assert_close(both, sum(one) / 2)


def test_predictions_are_softmax_of_the_logits():
    model = build(depth=1)
    statistics, activations = torch.rand(2, 3, 4).double()
    (logits,) = model([statistics], [activations], [torch.arange(3)])
    (sample,) = model([statistics], [activations], [torch.arange(3)], mode='predict')
    for row, scores in zip(logits, sample.pred_score, strict=True):
        torch.testing.assert_close(scores, row.exp() / row.exp().sum())
    assert sample.gt_label.tolist() == [0, 1, 2]
