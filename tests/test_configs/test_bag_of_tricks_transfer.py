"""Transfer of 000, 2.6: the recipes of Tables 2.8 and 2.9 start from the right weights."""

import re
from pathlib import Path

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmvisx.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'bag_of_tricks'
ROWS = ('efficient', 'cosine', 'smooth', 'distill', 'mixup', 'mixup_distill')
BASES = ('b_standard', *(f'd_{row}' for row in ROWS))
CHANNELS = dict(base_channels=8, stem_channels=8)


def load(name):
    """Read a recipe."""
    return Config.fromfile(CONFIGS / f'{name}.py')


def build(cfg, device='meta'):
    """Build the model of a recipe, without loading weights."""
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device(device):
        return MODELS.build(cfg.model)


@pytest.fixture
def classifier(tmp_path):
    """A small ResNet-50-D classifier and its checkpoint."""
    cfg = load('resnet50_d_efficient_imagenet')
    cfg.model.backbone.update(CHANNELS)
    cfg.model.head.in_channels = 256
    model = build(cfg, 'cpu')
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.2, 1)
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, tmp_path / 'epoch_120.pth')
    return model, str(tmp_path / 'epoch_120.pth')


@pytest.mark.parametrize('row', BASES)
def test_transfer_takes_the_checkpoint_of_the_same_row(row):
    faster_rcnn, fcn = load(f'faster_rcnn_r50_{row}_voc0712'), load(f'fcn_r50_{row}_ade20k')
    path = fcn.model.backbone.init_cfg.checkpoint
    folder, file = path.removeprefix('work_dirs/').split('/')
    source = load(folder)
    assert file == f'epoch_{source.train_cfg.max_epochs}.pth'
    assert folder == f'resnet50_{row}_imagenet'
    variant = source.model.backbone.variant
    assert variant == row[0]
    head = faster_rcnn.model.roi_head.shared_head
    for part in (faster_rcnn.model.backbone, head, fcn.model.backbone):
        assert part.init_cfg == dict(type='Pretrained', prefix='backbone.', checkpoint=path)
        assert part.variant == variant
    for cfg in (faster_rcnn, fcn):
        assert cfg.model.data_preprocessor.mean == source.data_preprocessor.mean
        assert cfg.model.data_preprocessor.std == source.data_preprocessor.std


def test_only_the_pretrained_weights_differ_between_transfers():
    for name in ('faster_rcnn_r50_{}_voc0712', 'fcn_r50_{}_ade20k'):
        first, *others = (load(name.format(row)) for row in BASES)
        for cfg in (first, *others):
            parts = [cfg.model.backbone]
            if 'roi_head' in cfg.model:
                parts.append(cfg.model.roi_head.shared_head)
            for part in parts:
                part.variant = part.init_cfg.checkpoint = None
            cfg.pop('pretrained', None)
        assert all(cfg._cfg_dict == first._cfg_dict for cfg in others)


def test_fcn_has_stride_8():
    model = build(load('fcn_r50_d_efficient_ade20k'))
    maps = model.backbone(torch.zeros(1, 3, 480, 480, device='meta'))
    assert [m.shape[-1] for m in maps] == [120, 60, 60, 60]
    assert model.backbone.layer3[1].conv2.dilation == (2, 2)
    assert model.backbone.layer4[1].conv2.dilation == (4, 4)
    assert model(torch.zeros(1, 3, 480, 480, device='meta')).shape == (1, 150, 60, 60)


def test_faster_rcnn_runs_the_fourth_stage_on_regions():
    model = build(load('faster_rcnn_r50_d_efficient_voc0712'))
    (maps,) = model.extract_feat(torch.zeros(1, 3, 64, 96, device='meta'))
    assert maps.shape == (1, 1024, 4, 6)
    regions = torch.zeros(3, 1024, 14, 14, device='meta')
    assert model.roi_head.shared_head(regions).shape == (3, 2048, 7, 7)
    frozen = {n.split('.')[0] for n, p in model.backbone.named_parameters() if not p.requires_grad}
    assert {'stem', 'layer1'} <= frozen


def train_once(model, images, samples):
    """Return the losses, after a backward pass that reaches what is trained."""
    model.train()
    losses = model.loss(images, samples)
    model.parse_losses(losses)[0].backward()
    without = [k for k, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not without
    return losses


def test_faster_rcnn_trains_from_a_classifier(classifier):
    source, path = classifier
    cfg = load('faster_rcnn_r50_d_efficient_voc0712')
    model = cfg.model
    model.backbone.update(CHANNELS)
    model.backbone.init_cfg.checkpoint = path
    model.rpn_head.update(in_channels=128, feat_channels=16)
    head = model.roi_head
    head.shared_head.update(CHANNELS)
    head.shared_head.init_cfg.checkpoint = path
    head.bbox_roi_extractor.out_channels = 128
    head.bbox_head.in_channels = 256
    detector = build(cfg, 'cpu')
    with DefaultScope.overwrite_default_scope('mmdet'):
        detector.init_weights()
    ours = {**detector.backbone.state_dict(), **detector.roi_head.shared_head.state_dict()}
    theirs = source.backbone.state_dict()
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    meta = dict(img_shape=(96, 128), ori_shape=(96, 128), pad_shape=(96, 128), scale_factor=(1, 1))
    sample = DetDataSample(metainfo=meta)
    boxes, labels = torch.tensor([[10.0, 10, 70, 80]]), torch.tensor([3])
    sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
    losses = train_once(detector, torch.randn(1, 3, 96, 128), [sample])
    assert {'loss_rpn_cls', 'loss_cls', 'loss_bbox'} <= set(losses)
    # The norms stay as they are.
    assert torch.equal(
        detector.backbone.layer2[0].bn1.running_mean, theirs['layer2.0.bn1.running_mean']
    )


def test_fcn_trains_from_a_classifier(classifier):
    source, path = classifier
    cfg = load('fcn_r50_d_efficient_ade20k')
    cfg.model.backbone.update(CHANNELS)
    cfg.model.backbone.init_cfg.checkpoint = path
    cfg.model.decode_head.update(in_channels=256, channels=16)
    cfg.model.auxiliary_head.update(in_channels=128, channels=16)
    segmenter = build(cfg, 'cpu')
    with DefaultScope.overwrite_default_scope('mmseg'):
        segmenter.init_weights()
    # The dilated stages do not shrink, so that path B has no pooling in front.
    theirs = {
        re.sub(r'(layer[34]\.0\.downsample\.)(\d)', lambda m: f'{m[1]}{int(m[2]) - 1}', key): value
        for key, value in source.backbone.state_dict().items()
    }
    ours = segmenter.backbone.state_dict()
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    samples = []
    for _ in range(2):
        sample = SegDataSample(metainfo=dict(img_shape=(64, 64)))
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 150, (1, 64, 64)))
        samples.append(sample)
    losses = train_once(segmenter, torch.randn(2, 3, 64, 64), samples)
    assert {'decode.loss_ce', 'aux.loss_ce'} <= set(losses)
