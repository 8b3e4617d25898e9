"""YOLOv3's weight of small boxes, and the divisor of its losses."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmvisx.surgery import weight_box_losses
from tests.helpers.detection_families import (
    BOXES,
    SIZE,
    batch,
    build_model,
    losses,
    model_config,
)

WEIGHTS = [[0.3, 0.7, 0.0, 1.0], [0.6, 0.2]]


def yolo(kind, boxes_weight):
    init_default_scope('mmdet')
    model = model_config('YOLOv3')
    model.bbox_head.type = kind
    for name in ('loss_xy', 'loss_wh'):
        model.bbox_head[name].loss_weight = boxes_weight
    return build_model(model)


def test_each_box_by_its_size(monkeypatch):
    """One box at a time, against mmdet's head with a factor computed by hand."""
    own, reference = yolo('mmvisx.SizeWeightedYOLOV3Head', 1.0), yolo('YOLOV3Head', 1.0)
    for boxes in BOXES:
        for box in boxes:
            monkeypatch.setattr('tests.helpers.detection_families.BOXES', (box[None], box[None]))
            width, height = box[2:] - box[:2]
            factor = 2 - width * height / SIZE**2
            got, plain = losses(own), losses(reference)
            for name, value in plain.items():
                # mmdet's are sums over the two images.
                factors = (factor if name in ('loss_xy', 'loss_wh') else 1) / 2
                torch.testing.assert_close(got[name], factors * value, rtol=1e-4, atol=1e-4)


def test_gradient_flows():
    own = yolo('mmvisx.SizeWeightedYOLOV3Head', 1.0)
    sum(losses(own).values()).backward()
    assert all(p.grad is not None for p in own.bbox_head.parameters())


def step(detector, images, samples):
    """Return the loss terms, summed over the levels, and the gradients of their sum."""
    detector.zero_grad()
    terms = {k: sum(v) for k, v in detector.loss(images, copy.deepcopy(samples)).items()}
    sum(terms.values()).backward()
    return terms, [p.grad.clone() for p in detector.parameters()]


@pytest.mark.parametrize('weights', [None, WEIGHTS])
def test_eight_copies_have_the_loss_of_one(weights):
    """With mmdet's head, eight times that."""
    detector = yolo('mmvisx.SizeWeightedYOLOV3Head', 1.0)
    if weights:
        weight_box_losses(detector)
    images, samples = batch(weights)
    one, gradient_of_one = step(detector, images[:1], samples[:1])
    eight, gradient_of_eight = step(detector, images[:1].repeat(8, 1, 1, 1), samples[:1] * 8)
    for name, value in one.items():
        assert value > 0
        torch.testing.assert_close(eight[name], value, rtol=1e-4, atol=0)
    for got, expected in zip(gradient_of_eight, gradient_of_one, strict=True):
        scale = float(expected.abs().max())
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-3 * scale + 1e-6)


def test_one_process_with_eight_images_is_eight_with_one():
    """Distributed training averages the gradients of the processes."""
    detector = yolo('mmvisx.SizeWeightedYOLOV3Head', 1.0)
    for module in detector.modules():  # whose statistics are those of a process
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    images, samples = torch.randn(8, 3, SIZE, SIZE), batch()[1] * 4
    _, together = step(detector, images, samples)
    apart = [step(detector, images[i : i + 1], samples[i : i + 1])[1] for i in range(8)]
    for got, *each in zip(together, *apart, strict=True):
        expected = torch.stack(each).mean(0)
        scale = float(expected.abs().max())
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-4 * scale)
    first, second = (torch.cat([g.flatten() for g in gradient]) for gradient in apart[:2])
    assert (first - second).norm() > 0.1 * first.norm()
