"""Merging of boxes and masks over several views of an image."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from mmdet.structures.bbox import bbox2roi
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvisx.registry import MODELS

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = {
    'standard': ROOT / 'tests/data/tiny_mask_rcnn.py',
    'htc': ROOT / 'configs/detectors/htc_rfp_sac_nano_shapes.py',
}
PLAIN = ((120, 120), None)
FLIPPED = ((120, 120), 'horizontal')
SMALL = ((64, 64), None)


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def build(kind, mask_thr=0.5, **rcnn):
    """Build a TTA model around random detectors that are sure of different things."""
    cfg = Config.fromfile(CONFIGS[kind]).model
    cfg.test_cfg.rcnn.update(score_thr=0.0, max_per_img=8, mask_thr_binary=mask_thr, **rcnn)
    if kind == 'htc':
        cfg.backbone.update(depth=14, base_channels=4, stem_channels=8)
        cfg.neck.rfp_backbone.update(depth=14, base_channels=4, stem_channels=8)
        cfg.neck.in_channels = [16, 32, 64, 128]
    tta_cfg = Config(dict(nms=cfg.test_cfg.rcnn.nms, max_per_img=8))
    torch.manual_seed(1)
    model = MODELS.build(dict(type='mmvisx.DetTTAModel', tta_cfg=tta_cfg, module=cfg)).eval()
    with torch.no_grad():
        for name, parameter in model.module.named_parameters():
            if 'head' in name and parameter.dim() > 1:
                # Boxes without area, outside of the image, would survive the NMS twice.
                scale = 0.1 if 'reg' in name else 1.0
                parameter.normal_(0, scale * (2.0 / parameter[0].numel()) ** 0.5)
    return model


@pytest.fixture(scope='module', params=list(CONFIGS))
def model(request):
    """A TTA model; its masks are probabilities times 255, which do not jump at a threshold."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        return build(request.param, mask_thr=-1)


def picture(seed=0, shape=(72, 96, 3)):
    """Draw blobs."""
    random = np.random.default_rng(seed)
    image = np.full(shape, 90, np.uint8)
    for _ in range(6):
        y, x = random.integers(0, 50), random.integers(0, 70)
        image[y : y + 24, x : x + 20] = random.integers(0, 255, 3)
    return image


def pack(image, scale, flip):
    """Return input and sample of one view."""
    steps = [dict(type='Resize', scale=scale, keep_ratio=True)]
    if flip:
        steps.append(dict(type='RandomFlip', prob=1.0, direction=flip))
    steps.append(dict(type='PackDetInputs', meta_keys=('ori_shape', 'img_shape', 'scale_factor',
                                                       'flip', 'flip_direction')))  # fmt: skip
    return Compose(steps)(dict(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2]))


def batch(images, *views):
    """Return what a data loader with TestTimeAug returns."""
    packed = [[pack(image, *view) for image in images] for view in views]
    return {
        key: [[item[key] for item in view] for view in packed] for key in ('inputs', 'data_samples')
    }


def predict(model, images, *views):
    """Run and return the instances of every image."""
    with torch.no_grad():
        return [s.pred_instances for s in model.test_step(batch(images, *views))]


def plain(model, images):
    """Run the detector without augmentation."""
    data = batch(images, PLAIN)
    with torch.no_grad():
        samples = model.module.test_step({key: value[0] for key, value in data.items()})
    return [s.pred_instances for s in samples]


def assert_same(ours, theirs):
    """Compare boxes, scores, labels and (up to rounding) masks."""
    assert len(ours) == len(theirs) > 0
    torch.testing.assert_close(ours.bboxes, theirs.bboxes, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(ours.scores, theirs.scores, atol=1e-5, rtol=1e-5)
    assert torch.equal(ours.labels, theirs.labels)
    assert ours.masks.shape == theirs.masks.shape
    assert (ours.masks.int() - theirs.masks.int()).abs().max() <= 1


@pytest.mark.parametrize('views', [[PLAIN], [PLAIN, PLAIN]])
def test_without_change_it_is_the_plain_test(model, views):
    images = [picture(0), picture(1)]
    for ours, theirs in zip(predict(model, images, *views), plain(model, images), strict=True):
        assert_same(ours, theirs)
        assert ours.masks.float().std() > 1  # the comparison sees something


def test_one_view_keeps_the_scores_of_soft_nms():
    model = build('standard', mask_thr=-1, nms=dict(type='soft_nms', iou_threshold=0.5))
    assert_same(predict(model, [picture()], PLAIN)[0], plain(model, [picture()])[0])


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_a_mirrored_image_gives_mirrored_results(model, direction):
    image = picture()
    axes = dict(horizontal=(1,), vertical=(0,), diagonal=(0, 1))[direction]
    mirrored = np.flip(image, axes).copy()
    flipped = (PLAIN[0], direction)
    ours = predict(model, [mirrored], flipped, PLAIN)[0]
    expected = predict(model, [image], PLAIN, flipped)[0]
    height, width = image.shape[:2]
    x1, y1, x2, y2 = expected.bboxes.clone().T
    if 1 in axes:
        x1, x2 = width - x2, width - x1
    if 0 in axes:
        y1, y2 = height - y2, height - y1
    expected.bboxes = torch.stack([x1, y1, x2, y2], dim=1)
    expected.masks = expected.masks.flip([axis + 1 for axis in axes])
    assert_same(ours, expected)


def test_masks_are_the_average_of_all_views():
    model = build('standard', mask_thr=-1)
    detector, image = model.module, picture()
    views = [PLAIN, FLIPPED, SMALL]
    ours = predict(model, [image], *views)[0]
    total = 0
    for scale, flip in views:
        item = pack(image, scale, flip)
        data = detector.data_preprocessor(
            {key: [value] for key, value in item.items()}, training=False
        )
        boxes = ours.bboxes.clone()
        if flip:
            boxes[:, [0, 2]] = image.shape[1] - boxes[:, [2, 0]]
        boxes *= scale[0] / 96  # all images here are 96 wide
        with torch.no_grad():
            features = detector.extract_feat(data['inputs'])
            logits = detector.roi_head._mask_forward(features, bbox2roi([boxes]))['mask_preds']
        masks = logits.sigmoid()[torch.arange(len(boxes)), ours.labels]
        total = total + (masks.flip(-1) if flip else masks)
    pasted, _ = _do_paste_mask(total[:, None] / 3, ours.bboxes, *image.shape[:2], skip_empty=False)
    difference = ours.masks.int() - (pasted * 255).to(torch.uint8).int()
    assert difference.abs().max() <= 1


def test_boxes_of_every_view_are_candidates():
    model = build('standard', nms=dict(type='nms', iou_threshold=0.99))
    model.tta_cfg.max_per_img = 100
    alone = [len(predict(model, [picture()], view)[0]) for view in (PLAIN, SMALL)]
    both = predict(model, [picture()], PLAIN, SMALL)[0]
    assert max(alone) < len(both) <= sum(alone)
    assert both.masks.shape == (len(both), 72, 96)
    assert both.masks.dtype == torch.bool


def test_images_without_boxes(model):
    model = copy.deepcopy(model)
    model.module.test_cfg.rcnn.score_thr = model.module.roi_head.test_cfg.score_thr = 2.0
    for result in predict(model, [picture(), picture(1)], PLAIN, FLIPPED):
        assert result.masks.shape == (0, 72, 96)
        assert result.bboxes.shape == (0, 4)


def test_the_network_sees_every_view_once(model):
    calls = dict(backbone=[], neck=[])
    handles = [
        getattr(model.module, name).register_forward_hook(lambda *a, seen=seen: seen.append(a[1]))
        for name, seen in calls.items()
    ]
    try:
        result = predict(model, [picture()], PLAIN, FLIPPED, SMALL)[0]
    finally:
        for handle in handles:
            handle.remove()
    assert len(result) > 0  # so masks were predicted in every view
    assert {name: len(seen) for name, seen in calls.items()} == dict(backbone=3, neck=3)


def test_the_detector_is_left_as_it_was(model):
    before = list(model.module.state_dict())
    predict(model, [picture()], PLAIN, FLIPPED)
    assert list(model.module.state_dict()) == before
    assert 'predict_bbox' not in vars(model.module.roi_head)
    assert 'extract_feat' not in vars(model.module)
    assert 'masks' in plain(model, [picture()])[0]


def test_views_of_different_scale_need_no_flip_keys():
    model = build('standard')
    data = batch([picture()], PLAIN, SMALL)
    for view in data['data_samples']:
        assert 'flip' not in view[0]
    with torch.no_grad():
        assert len(model.test_step(data)[0].pred_instances) > 0
