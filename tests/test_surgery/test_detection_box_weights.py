"""Box weights in the losses of mmdet's detectors: every family, shrunk real recipes."""

import copy
import pickle

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from torch import nn

from mmvisx.engine.hooks import BoxWeightsHook
from mmvisx.registry import MODELS
from mmvisx.surgery import weight_box_losses
from mmvisx.surgery.detection_box_weights import LOSSES
from mmvisx.surgery.detection_weighted_heads import BoxWeightedSampler
from mmvisx.utils import UserError
from tests.helpers.detection_families import (
    BOXES,
    FAMILIES,
    MMDET_CONFIGS,
    as_list,
    batch,
    build,
    build_model,
    losses,
    model_config,
)

ONES = [[1.0] * len(boxes) for boxes in BOXES]
ZEROS = [[0.0] * len(boxes) for boxes in BOXES]
FIRST = [[0.3, 0.7, 0.0, 1.0], [0.6, 0.2]]
SECOND = [[0.9, 0.1, 0.5, 0.0], [0.0, 1.0]]
# HTC's semantic head knows no boxes.
BOXLESS = ('loss_semantic_seg',)
NEGATIVES = ('loss_cls', 'loss_conf', 'loss_rpn_cls')


def step(detector, weights):
    """Return the loss terms and the gradients of their sum."""
    detector.zero_grad()
    terms = losses(detector, weights)
    sum(term.sum() for term in terms.values()).backward()
    gradients = {
        name: parameter.grad.clone()
        for name, parameter in detector.named_parameters()
        if parameter.grad is not None
    }
    return {name: term.detach() for name, term in terms.items()}, gradients


@pytest.fixture(scope='module', params=FAMILIES)
def family(request):
    """A family's detector: its steps before and after the conversion."""
    detector = build(request.param)
    with torch.no_grad():
        # An untrained focal loss sees next to nothing in negatives.
        for name, parameter in detector.named_parameters():
            if name.endswith(('retina_cls.bias', 'conv_cls.bias', 'atss_cls.bias')):
                parameter.zero_()
    before = step(detector, FIRST)
    state = list(detector.state_dict())
    assert weight_box_losses(detector) is detector
    assert list(detector.state_dict()) == state
    after = {
        name: step(detector, weights)
        for name, weights in dict(ones=ONES, zeros=ZEROS, first=FIRST, second=SECOND).items()
    }
    return detector, before, after


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_weights_of_one_change_nothing_bit_for_bit(family):
    _, before, after = family
    assert equal(before[0], after['ones'][0])
    assert equal(before[1], after['ones'][1])
    assert not equal(before[0], after['first'][0])


def test_weight_zero_leaves_negatives_only(family):
    _, before, after = family
    zeros = after['zeros'][0]
    for name, value in zeros.items():
        kind = name.rpartition('.')[2]
        if kind in BOXLESS:
            assert torch.equal(value, before[0][name])
        elif kind not in NEGATIVES or (kind == 'loss_cls' and 'loss_conf' in zeros):
            assert value == 0
            assert before[0][name] > 0
        else:
            assert 0 < value < before[0][name]


def test_loss_and_gradients_are_linear_in_the_weights(family):
    detector, _, after = family
    middle = [
        [0.25 * a + 0.75 * b for a, b in zip(*rows, strict=True)]
        for rows in zip(FIRST, SECOND, strict=True)
    ]
    terms, gradients = step(detector, middle)
    for got, first, second in (
        (terms, after['first'][0], after['second'][0]),
        (gradients, after['first'][1], after['second'][1]),
    ):
        for name, value in got.items():
            expected = 0.25 * first[name] + 0.75 * second[name]
            scale = float(expected.abs().max())
            torch.testing.assert_close(value, expected, rtol=1e-3, atol=1e-4 * scale + 1e-6)


@pytest.mark.parametrize(('image', 'box'), [(0, 1), (1, 0)])
def test_each_box_has_its_own_weight(family, image, box):
    """Relabel or reshape one box: every term changes by its weight times the full change."""
    detector, _, _ = family

    def change(weights):
        values = []
        for changed in (False, True):
            images, samples = batch(weights)
            if changed:
                instances = samples[image].gt_instances
                instances.labels[box] = (instances.labels[box] + 1) % 3
                instances.masks.masks[box] = 1 - instances.masks.masks[box]
            torch.manual_seed(0)
            with torch.no_grad():
                terms = detector.loss(images, samples)
            values.append({k: sum(as_list(v)) for k, v in terms.items() if 'loss' in k})
        return {name: values[1][name] - values[0][name] for name in values[0]}

    full = change(ONES)
    kinds = {name.rpartition('.')[2] for name, value in full.items() if value.abs() > 1e-6}
    if 'loss_cls' in full or 's0.loss_cls' in full:
        assert 'loss_cls' in kinds
    if any('loss_mask' in name for name in full):
        assert 'loss_mask' in kinds
    for weights in (FIRST, SECOND):
        for name, value in change(weights).items():
            expected = weights[image][box] * full[name]
            torch.testing.assert_close(value, expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize('name', ['YOLOv3', 'SSD', 'RetinaNet', 'FCOS', 'ATSS', 'RPN'])
def test_bfloat16(name):
    """Under autocast, weights of one change nothing either."""
    detector = build(name)
    results = []
    for _ in range(2):
        with torch.autocast('cpu', torch.bfloat16):
            terms = losses(detector, ONES)
        sum(term.float().sum() for term in terms.values()).backward()
        results.append({k: v.detach() for k, v in terms.items()})
        weight_box_losses(detector)
    assert equal(*results)
    with torch.autocast('cpu', torch.bfloat16):
        assert all(torch.isfinite(term).all() for term in losses(detector, FIRST).values())


@pytest.mark.parametrize('name', FAMILIES)
def test_images_without_boxes(name):
    detector = weight_box_losses(build(name))
    images, samples = batch(FIRST)
    samples[0].gt_instances = samples[0].gt_instances[:0]
    terms = detector.loss(images, samples)
    total = sum(sum(as_list(term)).sum() for key, term in terms.items() if 'loss' in key)
    total.backward()
    assert torch.isfinite(total)


@pytest.mark.parametrize('name', FAMILIES)
def test_images_without_weights_are_refused(name):
    detector = weight_box_losses(build(name))
    images, samples = batch(FIRST)
    del samples[1].gt_instances.weights
    with pytest.raises(UserError, match=r"end the training pipeline.*type='mmvisx.PackDetInputs'"):
        detector.loss(images, samples)


def test_twice_and_copies():
    detector = build('Cascade R-CNN')
    plain = losses(detector, FIRST)
    weight_box_losses(detector)
    classes = [type(m) for m in detector.modules()]
    weighted = losses(detector, FIRST)
    assert [type(m) for m in weight_box_losses(detector).modules()] == classes
    assert equal(losses(detector, FIRST), weighted)
    assert not equal(plain, weighted)
    # As the hook for exponential moving averages copies it.
    assert equal(losses(copy.deepcopy(detector), FIRST), weighted)
    assert equal(losses(pickle.loads(pickle.dumps(detector)), FIRST), weighted)
    assert not any(m._forward_pre_hooks for m in detector.modules())
    assert isinstance(detector.roi_head.bbox_sampler[0], BoxWeightedSampler)


def test_a_failing_step_leaves_no_trace():
    detector = weight_box_losses(build('Mask R-CNN'))
    criterion = detector.roi_head.mask_head.loss_mask.cls_criterion
    images, samples = batch(FIRST)
    del samples[0].gt_instances.masks
    with pytest.raises(AttributeError, match='masks'):
        detector.loss(images, samples)
    assert detector.roi_head.mask_head.loss_mask.cls_criterion is criterion
    assert not any(m._forward_pre_hooks for m in detector.modules())


@pytest.mark.parametrize(
    ('path', 'named'),
    [
        ('gfl/gfl_r50_fpn_1x_coco.py', r'bbox_head \(GFLHead\)'),
        ('detr/detr_r50_8xb2-150e_coco.py', r'model \(DETR\).*bbox_head \(DETRHead\)'),
        ('ms_rcnn/ms-rcnn_r50-caffe_fpn_1x_coco.py', r'MaskScoringRoIHead.*MaskIoUHead'),
        ('pisa/faster-rcnn_r50_fpn_pisa_1x_coco.py', r'roi_head \(PISARoIHead\)'),
        ('yolox/yolox_s_8xb8-300e_coco.py', r'bbox_head \(YOLOXHead\)'),
        ('free_anchor/freeanchor_r50_fpn_1x_coco.py', r'FreeAnchorRetinaHead'),
        ('ghm/retinanet_r50_fpn_ghm-1x_coco.py', r'bbox_head\.loss_cls \(GHMC\)'),
    ],
)
def test_unknown_parts_are_named(path, named):
    with torch.device('meta'):
        model = Config.fromfile(MMDET_CONFIGS / path).model
        model.backbone.init_cfg = None
        detector = build_on_meta(model)
    classes = [type(m) for m in detector.modules()]
    with pytest.raises(UserError, match=named):
        weight_box_losses(detector)
    assert [type(m) for m in detector.modules()] == classes


def build_on_meta(model):
    init_default_scope('mmdet')
    return MODELS.build(model)


def test_own_loss_code_is_unknown_and_own_layers_are_not():
    detector = build('RetinaNet')
    head = detector.bbox_head
    plain = type(head)

    class OwnForward(plain):
        def forward_single(self, x):
            return super().forward_single(x)

    class OwnLoss(plain):
        def loss_by_feat_single(self, *args, **kwargs):
            return super().loss_by_feat_single(*args, **kwargs)

    head.__class__ = OwnLoss
    with pytest.raises(UserError, match=r'bbox_head \(OwnLoss\)'):
        weight_box_losses(detector)
    head.__class__ = OwnForward
    weight_box_losses(detector)
    assert losses(detector, ZEROS)['loss_bbox'] == 0


def test_every_known_loss_multiplies_its_rows():
    for cls in LOSSES:
        loss = cls(num_classes=3) if cls.__name__ == 'SeesawLoss' else cls()
        torch.manual_seed(0)
        weight = torch.tensor([0.0, 0.25, 0.5, 1.0])
        if cls.__name__ in ('CrossEntropyLoss', 'FocalLoss'):
            pred, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
        elif cls.__name__ == 'SeesawLoss':
            pred, target = torch.randn(4, 5), torch.tensor([0, 1, 2, 3])
        else:
            corner = torch.rand(4, 2)
            pred = torch.cat([corner, corner + 1], 1)
            target = pred + 0.1 * torch.rand(4, 4)

        def total(rows, loss=loss, pred=pred, target=target):
            if rows.ndim == 1 and 'IoU' not in type(loss).__name__ and pred.shape[1] == 4:
                rows = rows[:, None].expand(-1, 4)
            result = loss(pred, target, rows, avg_factor=4.0)
            return sum(result.values()) if isinstance(result, dict) else result

        if cls.__name__ == 'SeesawLoss':
            loss.eval()
            loss.cum_samples += 1
            frozen = loss.cum_samples.clone()
        each = []
        for row in range(4):
            if cls.__name__ == 'SeesawLoss':
                loss.cum_samples.copy_(frozen)
            each.append(total(torch.eye(4)[row]))
        if cls.__name__ == 'SeesawLoss':
            loss.cum_samples.copy_(frozen)
        torch.testing.assert_close(
            total(weight), sum(w * e for w, e in zip(weight, each, strict=True)), msg=cls.__name__
        )
        assert all(float(e) != 0 for e in each)


@pytest.mark.parametrize('weights', [torch.ones(4, 1), torch.ones(4, dtype=torch.long)])
def test_weights_must_be_a_float_per_box(weights):
    detector = weight_box_losses(build('RetinaNet'))
    images, samples = batch()
    samples[0].gt_instances.weights = weights
    with pytest.raises(UserError, match=r'gt_instances\.weights has shape'):
        detector.loss(images, samples)


@pytest.mark.parametrize('weight', [float('nan'), -0.01, 1.01, float('inf')])
def test_weights_must_be_in_range(weight):
    detector = weight_box_losses(build('RetinaNet'))
    images, samples = batch([[0.0, 1.0, weight, 0.5], [1.0, 1.0]])
    with pytest.raises(UserError, match=r'gt_instances\.weights=\[0\.0, 1\.0, .*in \[0, 1\]'):
        detector.loss(images, samples)


def test_no_head_at_all():
    with pytest.raises(UserError, match='Sequential has no detection head'):
        weight_box_losses(nn.Sequential(nn.Linear(2, 2)))


def test_hook():
    class FakeRunner:
        model = build_model(model_config('FCOS'))
        message_hub = MessageHub.get_instance('test_box_weights_hook')

    with torch.no_grad():
        plain = losses(FakeRunner.model, ZEROS)
    BoxWeightsHook().before_train(FakeRunner)
    assert losses(FakeRunner.model, ZEROS)['loss_bbox'] == 0 < plain['loss_bbox']
