"""The image demo on photographs of COCO, with a nano DetectoRS."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

CONFIG = 'configs/detectors/htc_rfp_sac_nano_coco16.py'

pytestmark = pytest.mark.realdata


def test_draws_and_writes_json(repo, coco16, script, tmp_path):
    cfg = Config.fromfile(repo / CONFIG)
    # Otherwise a detector that has learnt nothing predicts nothing.
    cfg.model.test_cfg.rcnn.score_thr = 0.0
    cfg.dump(tmp_path / 'nano.py')
    init_default_scope('mmdet')
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'random.pth')
    content = json.loads((coco16 / 'instances.json').read_text())
    classes = {category['name'] for category in content['categories']}
    names = [image['file_name'] for image in content['images']][:3]
    (tmp_path / 'photos').mkdir()
    for name in names:
        (tmp_path / 'photos' / name).symlink_to((coco16 / 'images' / name).resolve())
    printed = script(
        'demo/image_demo.py', tmp_path / 'photos', tmp_path / 'nano.py', tmp_path / 'random.pth',
        '--out-dir', tmp_path / 'out', '--score-thr', '0',
    )  # fmt: skip
    assert '3 images' in printed
    for name in names:
        photo = cv2.imread(str(tmp_path / 'photos' / name))
        height, width = photo.shape[:2]
        drawn = cv2.imread(str(tmp_path / 'out' / 'vis' / name))
        assert drawn.shape == photo.shape
        assert np.abs(drawn.astype(int) - photo).max() > 100
        found = json.loads((tmp_path / 'out' / 'preds' / f'{name}.json').read_text())
        assert (found['height'], found['width']) == (height, width)
        assert len(found['bboxes']) == len(found['scores']) == len(found['masks']) > 0
        assert set(found['label_names']) <= classes
        boxes = np.array(found['bboxes'])
        assert (boxes >= -1).all()
        assert (boxes <= [width + 1, height + 1] * 2).all()
