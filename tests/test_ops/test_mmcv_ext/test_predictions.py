"""Detectors predict the same with compiled ops as without, each in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from mmvisx.apis.build import build_model
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.ops.mmcv_ext import is_standing_in
from mmvisx.utils.config import apply_options, load_config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(is_standing_in(), reason='mmcv has no compiled ops here'),
]

DETECTORS = {
    'detectors/htc_rfp_sac_nano_shapes': {},
    'gunn/faster_rcnn_gunn_fpn_nano_shapes': {},
    'detection_freebies/yolov3_resnet18_nano_shapes_voc': {},
    'voc/faster_rcnn_resnet18_nano_shapes': {'model.test_cfg.rcnn.nms.type': 'soft_nms'},
}
PREDICT = """
import json, sys
from mmvisx.apis import Inferencer
from mmvisx.ops.mmcv_ext import is_standing_in
config, weights, images, out = sys.argv[1:]
found = Inferencer(config, weights, device='cpu', show_progress=False)(images)
with open(out, 'w') as file:
    json.dump(dict(python=is_standing_in(), found=found['predictions']), file)
"""


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('shapes') / 'data'
    make_shapes(folder, ShapesConfig(train=1, val=50))
    return folder / 'coco/val'


def save_weights(cfg, path):
    """Weights whose scores and boxes differ from place to place, as trained ones' do."""
    torch.manual_seed(0)
    model = build_model(cfg)
    for name, parameter in model.named_parameters():
        if name.endswith(('cls.weight', 'reg.weight', 'pred.weight', 'pred.0.weight')):
            torch.nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    torch.save(dict(state_dict=model.state_dict()), path)


def predict(ops, *words):
    command = [sys.executable, '-W', 'ignore', '-c', PREDICT, *map(str, words)]
    env = {**os.environ, 'MMVISX_OPS': ops}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(words[-1].read_text())
    assert result['python'] == (ops == 'python')
    return result['found']


@pytest.mark.parametrize('name', DETECTORS)
def test_predictions_are_the_same(name, images, tmp_path):
    cfg = load_config(name)
    apply_options(cfg, DETECTORS[name])
    cfg.dump(tmp_path / 'config.py')
    save_weights(cfg, tmp_path / 'weights.pth')
    words = [tmp_path / 'config.py', tmp_path / 'weights.pth', images]
    compiled, ours = (predict(ops, *words, tmp_path / f'{ops}.json') for ops in ('', 'python'))
    assert len(compiled) == len(ours) == 50
    assert sum(len(found['labels']) for found in compiled) > 100
    for one, other in zip(ours, compiled, strict=True):
        assert one['labels'] == other['labels']
        np.testing.assert_allclose(one['scores'], other['scores'], rtol=0, atol=1e-4)
        boxes = [np.reshape(found['bboxes'], (-1, 4)) for found in (one, other)]
        np.testing.assert_allclose(*boxes, rtol=0, atol=1e-4)
        masks = [[coco_mask.decode(m) for m in found.get('masks', [])] for found in (one, other)]
        assert np.array_equal(*masks)
