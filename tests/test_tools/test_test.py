"""tools/test.py: metrics, predictions, pictures, augmentation, and what it refuses."""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.nn.modules.module import register_module_forward_hook

from mmvisx.apis import run
from mmvisx.apis.tta import flip_pipeline
from mmvisx.cli.test import _plain
from mmvisx.utils import UserError
from mmvisx.utils.predictions import read_predictions


@pytest.fixture
def evaluate(tool, tiny_config, tiny_coco, trained, tmp_path):
    def call(*arguments, checkpoint=None, options=(), config=None):
        tool(
            'tools/test.py', config or tiny_config, checkpoint or trained / 'epoch_1.pth',
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
    evaluate('--out', tmp_path / 'predictions.npz')
    predictions = read_predictions(tmp_path / 'predictions.npz')
    assert len(predictions) == 4
    assert 'masks' in predictions[0]['pred_instances']


def test_augmentation_merges_boxes_and_masks(evaluate, tmp_path):
    evaluate('--tta', '--out', tmp_path / 'metrics.json')
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(metrics)
    evaluate('--tta', '--out', tmp_path / 'predictions.npz')
    predictions = read_predictions(tmp_path / 'predictions.npz')
    assert all('masks' in p['pred_instances'] for p in predictions)


def test_configs_of_the_work_dir_stay_as_they_are(tool, trained, tmp_path):
    work_dir = shutil.copytree(trained, tmp_path / 'mine')
    config = work_dir / 'tiny_mask_rcnn.py'
    before = {path: path.read_bytes() for path in work_dir.rglob('*') if path.is_file()}
    assert config in before
    tta = ['--tta', '--show-dir', tmp_path / 'show']
    for options, model in (([], 'MaskRCNN'), (tta, 'mmvisx.DetTTAModel')):
        tool(
            'tools/test.py', config, work_dir / 'epoch_1.pth', '--work-dir', work_dir, *options,
            '--cfg-options', 'model.test_cfg.rcnn.score_thr=0.4',
        )  # fmt: skip
        assert {path: path.read_bytes() for path in before} == before
        # What was tested stands beside the log of the test.
        written = max(work_dir.glob('*/tiny_mask_rcnn.py'))
        assert Config.fromfile(written).model.type == model


@pytest.fixture
def averaged(tiny_config, tmp_path):
    """The tiny detector's config with an average of the weights."""
    cfg = Config.fromfile(tiny_config)
    cfg.custom_hooks = [dict(type='EMAHook', update_buffers=True)]
    cfg.dump(tmp_path / 'averaged.py')
    return tmp_path / 'averaged.py'


@pytest.mark.parametrize('kind', ['plain', 'views', 'average'])
def test_every_batch_but_the_first_is_predicted_fused(
    evaluate, averaged, tmp_path, monkeypatch, kind
):
    arguments = dict(views=['--tta']).get(kind, [])
    config = averaged if kind == 'average' else None
    with monkeypatch.context() as patch, counted_norms() as norms:
        patch.setattr(run, 'enable_fusing', lambda cfg: None)
        evaluate(*arguments, '--out', tmp_path / 'plain.npz', config=config)
    per_image = 20 * (2 if kind == 'views' else 1)  # of a ResNet-18
    assert len(norms) == 4 * per_image
    with counted_norms() as norms:
        evaluate(*arguments, '--out', tmp_path / 'fused.npz', config=config)
    assert len(norms) == per_image
    plain, fused = (read_predictions(tmp_path / f'{name}.npz') for name in ('plain', 'fused'))
    for a, b in zip(plain, fused, strict=True):
        a, b = a['pred_instances'], b['pred_instances']
        assert len(a['scores']) == len(b['scores']) > 0
        torch.testing.assert_close(b['scores'], a['scores'], rtol=1e-5, atol=1e-5)
        assert (b['bboxes'] - a['bboxes']).abs().max() <= 1e-5 * a['bboxes'].abs().max()


def test_processes_predict_fused_too(
    repo, tiny_config, tiny_coco, trained, evaluate, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(run, 'enable_fusing', lambda cfg: None)
        evaluate('--out', tmp_path / 'plain.json')
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = str(server.getsockname()[1])
    settings = dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PORT=port, PYTHON=sys.executable)
    command = ['bash', 'tools/dist_test.sh', tiny_config, trained / 'epoch_1.pth', '2',
               '--out', tmp_path / 'two.json', '--work-dir', tmp_path / 'work', '--cfg-options',
               f'data_root={tiny_coco}', 'model.test_cfg.rcnn.score_thr=0.0']  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], cwd=repo, capture_output=True, text=True, timeout=400,
        env={**os.environ, **settings, 'PYTHONPATH': str(repo)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    # The first process speaks alone.
    assert done.stdout.count('model     tiny_mask_rcnn') == done.stdout.count('test: 4 images') == 1
    assert ', on 2 x cpu' in done.stdout
    plain, two = (json.loads((tmp_path / f'{n}.json').read_text()) for n in ('plain', 'two'))
    assert two == pytest.approx(plain, abs=1e-5, nan_ok=True)


@contextmanager
def counted_norms():
    """Yield a list that grows with each batch normalisation that is run."""
    calls = []

    def count(module, *_):
        if isinstance(module, torch.nn.BatchNorm2d):
            calls.append(module)

    handle = register_module_forward_hook(count)
    try:
        yield calls
    finally:
        handle.remove()


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
    run.use_own_metrics(cfg)
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


def test_numbers_of_other_libraries_become_json():
    values = [np.float32(0.5), float('nan'), np.float64('nan'), 3, torch.tensor(2.0)]
    assert json.dumps([_plain(value) for value in values]) == '[0.5, null, null, 3, 2.0]'
