"""tools/test.py on photographs of PASCAL VOC, boxes and the 'difficult' flag as they are."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

NANO = 'configs/voc/faster_rcnn_resnet18_nano_shapes.py'

pytestmark = pytest.mark.realdata


@pytest.fixture(scope='module')
def voc(repo, realdata, tmp_path_factory):
    """The nano Faster R-CNN for the 30 validation images, and a checkpoint of random weights."""
    folder = tmp_path_factory.mktemp('voc')
    cfg = Config.fromfile(repo / NANO)
    cfg.model.roi_head.bbox_head.num_classes = 20
    # Otherwise a detector that has learnt nothing predicts nothing.
    cfg.model.test_cfg.rcnn.score_thr = 0.0
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    dataset = cfg.test_dataloader.dataset
    dataset.type = 'mmvisx.VOCDataset'
    dataset.data_root = f'{realdata}/voc2012_det100/VOCdevkit/'
    cfg.dump(folder / 'voc.py')
    init_default_scope('mmdet')
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save({'state_dict': model.state_dict()}, folder / 'random.pth')
    return folder


def test_prints_both_rules_and_draws_every_image(voc, realdata, script):
    printed = script(
        'tools/test.py', voc / 'voc.py', voc / 'random.pth', '--work-dir', voc / 'work',
        '--out', voc / 'metrics.json', '--show-dir', voc / 'show',
    )  # fmt: skip
    metrics = json.loads((voc / 'metrics.json').read_text())
    for rule in ('11points', 'area'):
        assert 0 <= metrics[f'voc/AP50_{rule}'] < 0.2  # random weights
        assert 'AP50_' + rule in printed
    (log,) = (voc / 'work').rglob('*.log')
    for word in ('aeroplane', 'tvmonitor'):
        assert word in log.read_text()
    names = (realdata / 'voc2012_det100/VOCdevkit/VOC2012/ImageSets/Main/val.txt').read_text()
    drawn = {path.stem for path in (voc / 'show').iterdir()}
    assert drawn == set(names.split())
    assert len(drawn) == 30
