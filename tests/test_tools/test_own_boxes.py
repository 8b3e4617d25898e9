"""A newcomer's boxes and masks on a small machine, by the README's lines."""

import json
import shutil

import pytest
from mmengine.config import Config

CONFIG = 'configs/detectors/htc_rfp_sac_nano_without_semantic.py'


@pytest.fixture
def own(tiny_coco, tmp_path):
    """The tiny images in the README's folders."""
    root = tmp_path / 'mine'
    (root / 'annotations').mkdir(parents=True)
    for part in ('train', 'val'):
        shutil.copytree(tiny_coco / 'images', root / f'{part}2017')
        name = f'instances_{part}2017.json'
        shutil.copy(tiny_coco / 'instances.json', root / 'annotations' / name)
    return root


def test_train_and_test_without_stuff_maps_and_downloads(tool, repo, own, tmp_path):
    work_dir = tmp_path / 'work'
    quick = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
             *(f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')),
             *(f'{part}_dataloader.persistent_workers=False' for part in ('train', 'val', 'test')),
             'param_scheduler.CosineAnnealingLR.end=1',
             'param_scheduler.CosineAnnealingLR.T_max=1']  # fmt: skip
    tool(
        'tools/train.py', repo / CONFIG, '--work-dir', work_dir,
        '--classes', own / 'annotations/instances_train2017.json',
        '--cfg-options', f'data_root={own}/', *quick,
    )  # fmt: skip
    trained = Config.fromfile(work_dir / 'htc_rfp_sac_nano_without_semantic.py')
    assert 'Pretrained' not in trained.pretty_text
    assert 'stuff' not in trained.pretty_text.replace('num_stuff', '')
    assert all(head.num_classes == 2 for head in trained.model.roi_head.bbox_head)
    metrics = tmp_path / 'metrics.json'
    tool('tools/test.py', work_dir / 'htc_rfp_sac_nano_without_semantic.py',
         work_dir / 'epoch_1.pth', '--out', metrics)  # fmt: skip
    assert {'coco/bbox_mAP', 'coco/segm_mAP_50'} <= set(json.loads(metrics.read_text()))
