"""tools/test.py: metrics, predictions, pictures, augmentation, and what it refuses."""

import importlib.util
import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvisx.apis.run import use_own_metrics
from mmvisx.apis.tta import flip_pipeline
from mmvisx.utils import UserError


@pytest.fixture
def evaluate(tool, tiny_config, tiny_coco, trained, tmp_path):
    def call(*arguments, checkpoint=None, options=()):
        tool(
            'tools/test.py', tiny_config, checkpoint or trained / 'epoch_1.pth',
            '--work-dir', tmp_path / 'work', *arguments,
            '--cfg-options', f'data_root={tiny_coco}', 'model.test_cfg.rcnn.score_thr=0.0',
            *options,
        )  # fmt: skip

    return call


def test_metrics_and_pictures(evaluate, tmp_path):
    evaluate('--out', tmp_path / 'a' / 'metrics.json', '--show-dir', tmp_path / 'show')
    metrics = json.loads((tmp_path / 'a' / 'metrics.json').read_text())
    names = {'coco/bbox_mAP', 'coco/segm_mAP', 'coco/bbox_AP_box', 'coco/segm_AP_disc'}
    assert names <= set(metrics)
    assert sorted(p.name for p in (tmp_path / 'show').iterdir()) == [f'{i}.png' for i in range(4)]


def test_predictions(evaluate, tmp_path):
    evaluate('--out', tmp_path / 'predictions.pkl')
    predictions = pickle.loads((tmp_path / 'predictions.pkl').read_bytes())
    assert len(predictions) == 4
    assert 'masks' in predictions[0]['pred_instances']


def test_augmentation_merges_boxes_and_masks(evaluate, tmp_path):
    evaluate('--tta', '--out', tmp_path / 'metrics.json')
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(metrics)
    evaluate('--tta', '--out', tmp_path / 'predictions.pkl')
    predictions = pickle.loads((tmp_path / 'predictions.pkl').read_bytes())
    assert all('masks' in p['pred_instances'] for p in predictions)


def test_configs_of_the_work_dir_stay_as_they_are(tool, trained, tmp_path):
    work_dir = shutil.copytree(trained, tmp_path / 'mine')
    config = work_dir / 'tiny_mask_rcnn.py'
    before = {path: path.read_bytes() for path in work_dir.rglob('*') if path.is_file()}
    assert config in before
    for options in ([], ['--tta', '--show-dir', tmp_path / 'show']):
        tool(
            'tools/test.py', config, work_dir / 'epoch_1.pth', '--work-dir', work_dir, *options,
            '--cfg-options', 'model.test_cfg.rcnn.score_thr=0.4',
        )  # fmt: skip
        assert {path: path.read_bytes() for path in before} == before
    # What was tested stands beside the log of the test.
    written = [Config.fromfile(p) for p in work_dir.glob('*/tiny_mask_rcnn.py')]
    assert sorted(cfg.model.type for cfg in written) == ['MaskRCNN', 'mmvisx.DetTTAModel']


def test_default_augmentation_flips_before_the_annotations_are_loaded():
    pipeline = [
        {'type': 'mmvisx.LoadImageFromFile'},
        {'type': 'Resize', 'scale': (8, 8)},
        {'type': 'LoadAnnotations', 'with_bbox': True},
        {'type': 'PackDetInputs', 'meta_keys': ('img_id',)},
    ]
    load, augment = flip_pipeline(pipeline)
    assert load['type'] == 'mmvisx.LoadImageFromFile'
    names = [[step['type'] for step in group] for group in augment['transforms']]
    flips = ['mmdet.RandomFlip'] * 2
    assert names == [['Resize'], flips, ['LoadAnnotations'], ['PackDetInputs']]
    assert {'img_id', 'flip', 'flip_direction'} <= set(augment['transforms'][-1][0]['meta_keys'])
    assert pipeline[-1]['meta_keys'] == ('img_id',)


def test_metrics_of_mmdet_are_replaced():
    coco = {'type': 'CocoMetric', 'ann_file': 'a.json', 'metric': 'bbox'}
    voc = {'type': 'mmdet.VOCMetric', 'metric': 'mAP', 'eval_mode': 'area', 'iou_thrs': 0.6}
    recall = {'type': 'VOCMetric', 'metric': 'recall'}
    cfg = Config({'test_evaluator': [coco, voc, recall]})
    use_own_metrics(cfg)
    assert cfg.test_evaluator == [
        {'type': 'mmvisx.CocoMetric', 'ann_file': 'a.json', 'metric': 'bbox'},
        {'type': 'mmvisx.VOCMetric', 'iou_thrs': 0.6},
        recall,
    ]


def test_checkpoint_of_another_architecture(evaluate):
    with pytest.raises(UserError, match=r'epoch_1\.pth is of another model.*of another shape'):
        evaluate(options=['model.roi_head.bbox_head.num_classes=5'])


def test_allow_partial(evaluate, tmp_path):
    evaluate('--allow-partial', '--out', tmp_path / 'm.json', options=['model.neck.num_outs=5',
             'model.roi_head.bbox_head.fc_out_channels=16'])  # fmt: skip
    assert (tmp_path / 'm.json').is_file()


def test_truncated_checkpoint(evaluate, trained, tmp_path):
    short = tmp_path / 'short.pth'
    short.write_bytes((trained / 'epoch_1.pth').read_bytes()[:5000])
    with pytest.raises(UserError, match=r'short\.pth is cut off'):
        evaluate(checkpoint=short)


def test_missing_annotation_file(evaluate):
    with pytest.raises(UserError, match=r'nothing\.json does not exist'):
        evaluate(options=['test_evaluator.ann_file=nothing.json'])


def test_unknown_suffix(evaluate):
    with pytest.raises(UserError, match=r'results\.txt'):
        evaluate('--out', 'results.txt')


def test_numbers_of_other_libraries_become_json(repo):
    spec = importlib.util.spec_from_file_location('test_tool', repo / 'tools/test.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    values = [np.float32(0.5), float('nan'), np.float64('nan'), 3, torch.tensor(2.0)]
    assert json.dumps([module._plain(value) for value in values]) == '[0.5, null, null, 3, 2.0]'
