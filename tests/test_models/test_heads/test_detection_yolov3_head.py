"""YOLOv3's weight of small boxes."""

import torch
from mmengine.registry import init_default_scope

from tests.test_models.detection_families import BOXES, SIZE, build_model, losses, model_config


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
            monkeypatch.setattr(
                'tests.test_models.detection_families.BOXES', (box[None], box[None])
            )
            width, height = box[2:] - box[:2]
            factor = 2 - width * height / SIZE**2
            got, plain = losses(own), losses(reference)
            for name, value in plain.items():
                factors = factor if name in ('loss_xy', 'loss_wh') else 1
                torch.testing.assert_close(got[name], factors * value, rtol=1e-4, atol=1e-4)


def test_gradient_flows():
    own = yolo('mmvisx.SizeWeightedYOLOV3Head', 1.0)
    sum(losses(own).values()).backward()
    assert all(p.grad is not None for p in own.bbox_head.parameters())
