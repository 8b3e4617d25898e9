"""mmdet's recipes shrunk to run in a blink, one for each family of detectors, with a batch."""

from pathlib import Path

import mmdet
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from mmvisx.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
MMDET_CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'
SIZE = 96
CLASSES = 3

FAMILIES = {
    'YOLOv3': 'yolo/yolov3_d53_8xb8-ms-416-273e_coco.py',
    'YOLOv3, weighted by size': 'yolo/yolov3_d53_8xb8-ms-416-273e_coco.py',
    'SSD': 'ssd/ssd300_coco.py',
    'RetinaNet': 'retinanet/retinanet_r50_fpn_1x_coco.py',
    'FCOS': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    'FCOS-norm': 'fcos/fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco.py',
    'ATSS': 'atss/atss_r50_fpn_1x_coco.py',
    'RPN': 'rpn/rpn_r50_fpn_1x_coco.py',
    'Faster R-CNN': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'Cascade R-CNN': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
    'Mask R-CNN': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'HTC': 'htc/htc_r50_fpn_1x_coco.py',
    'DetectoRS': 'detectors/htc_rfp_sac_nano_shapes.py',
}


def build(family):
    """Build a family's detector, small and with random weights."""
    init_default_scope('mmdet')
    return build_model(model_config(family))


def build_model(model):
    """Build a detector with the seed that all tests share."""
    torch.manual_seed(0)
    detector = MODELS.build(model)
    detector.init_weights()
    return detector.train()


def model_config(family):
    """Read a family's recipe and shrink it."""
    if family == 'DetectoRS':
        return Config.fromfile(ROOT / 'configs' / FAMILIES[family]).model
    model = Config.fromfile(MMDET_CONFIGS / FAMILIES[family]).model
    channels = [8, 16, 32, 64]
    model.backbone = dict(
        type='ResNet',
        depth=18,
        base_channels=8,
        num_stages=4,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
    )
    if family.startswith('YOLOv3'):
        if family != 'YOLOv3':
            model.bbox_head.type = 'mmvisx.SizeWeightedYOLOV3Head'
        model.backbone.out_indices = (1, 2, 3)
        model.neck.update(in_channels=channels[:0:-1], out_channels=[16, 16, 8])
        model.bbox_head.update(
            in_channels=[16, 16, 8], out_channels=[16, 16, 16], num_classes=CLASSES
        )
        model.bbox_head.anchor_generator.base_sizes = [
            [(44, 41), (63, 29), (31, 58)],
            [(25, 23), (33, 19), (18, 31)],
            [(9, 8), (13, 7), (8, 12)],
        ]
        return model
    if family == 'SSD':
        model.backbone.out_indices = (1, 2)
        model.neck.update(
            in_channels=(16, 32),
            out_channels=(16, 32, 16),
            level_strides=(2,),
            level_paddings=(1,),
        )
        model.bbox_head.update(in_channels=(16, 32, 16), num_classes=CLASSES)
        model.bbox_head.anchor_generator.update(
            input_size=SIZE,
            strides=[8, 16, 32],
            ratios=[[2], [2, 3], [2]],
            min_sizes=[14, 30, 50],
            max_sizes=[30, 50, 80],
        )
        return model
    model.neck.update(in_channels=channels, out_channels=16)
    dense = model.get('rpn_head') or model.bbox_head
    dense.update(in_channels=16, feat_channels=16)
    if family.startswith(('FCOS', 'ATSS')):
        dense.norm_cfg = dict(type='GN', num_groups=4)
    if family.startswith('FCOS'):
        dense.regress_ranges = ((-1, 16), (16, 32), (32, 64), (64, 128), (128, 1e8))
    elif family == 'ATSS':
        dense.anchor_generator.octave_base_scale = 4
        model.train_cfg.assigner.topk = 4
    elif family == 'RetinaNet':
        dense.anchor_generator.octave_base_scale = 2
    if 'stacked_convs' in dense:
        dense.stacked_convs = 1
    if 'roi_head' not in model:
        if family != 'RPN':
            dense.num_classes = CLASSES
        return model
    roi_head = model.roi_head
    for name in ('bbox', 'mask', 'semantic'):
        extractor = roi_head.get(f'{name}_roi_extractor')
        if extractor:
            extractor.out_channels = 16
    for head in as_list(roi_head.bbox_head):
        head.update(in_channels=16, fc_out_channels=16, num_classes=CLASSES)
    for head in as_list(roi_head.get('mask_head')):
        head.update(in_channels=16, conv_out_channels=16, num_convs=1, num_classes=CLASSES)
    if 'semantic_head' in roi_head:
        roi_head.semantic_head.update(
            in_channels=16, conv_out_channels=16, num_convs=1, num_classes=7
        )
    for stage in as_list(model.train_cfg.rcnn):
        stage.sampler.num = 48
        # An untrained network's proposals seldom overlap a box by half.
        stage.assigner.update(pos_iou_thr=0.3, neg_iou_thr=0.3, min_pos_iou=0.3)
    model.train_cfg.rpn.allowed_border = 0
    return model


def as_list(value):
    """Return a list of stages for one, many or no stage."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


BOXES = (
    torch.tensor([[6.0, 8, 46, 50], [50, 40, 90, 92], [60, 6, 84, 30], [10, 60, 34, 80]]),
    torch.tensor([[20.0, 20, 80, 70], [4, 4, 28, 24]]),
)


def batch(weights=None):
    """Return images and data samples; ``weights`` is a list per image, or None for no key."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(len(BOXES), 3, SIZE, SIZE, generator=generator)
    samples = []
    for index, boxes in enumerate(BOXES):
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(SIZE, SIZE),
                ori_shape=(SIZE, SIZE),
                pad_shape=(SIZE, SIZE),
                batch_input_shape=(SIZE, SIZE),
                scale_factor=(1.0, 1.0),
            )
        )
        masks = torch.zeros(len(boxes), SIZE, SIZE, dtype=torch.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes.long().tolist(), strict=True):
            mask[top:bottom, left : (left + right) // 2] = 1
        instances = InstanceData(
            bboxes=boxes.clone(),
            labels=torch.arange(len(boxes)) % CLASSES,
            masks=BitmapMasks(masks.numpy(), SIZE, SIZE),
        )
        if weights is not None:
            instances.weights = torch.tensor(weights[index])
        sample.gt_instances = instances
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0))
        semantic = torch.randint(0, 7, (1, SIZE, SIZE), generator=generator)
        sample.gt_sem_seg = PixelData(sem_seg=semantic)
        samples.append(sample)
    return images, samples


def losses(detector, weights=None, seed=0):
    """Return ``{term: value}`` of a training step whose random numbers are fixed."""
    images, samples = batch(weights)
    torch.manual_seed(seed)
    terms = detector.loss(images, samples)
    return {
        name: sum(value) if isinstance(value, list | tuple) else value
        for name, value in terms.items()
        if 'loss' in name
    }
