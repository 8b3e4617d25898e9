"""The Inferencer on a GPU predicts what it predicts on a CPU."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmvisx.apis import Inferencer
from mmvisx.utils.config import apply_options, load_config

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]


@pytest.mark.parametrize('device', ['cuda', None], ids=['named', 'found'])
def test_predictions_equal_the_cpus(tiny_config, tiny_coco, tmp_path, device):
    cfg = load_config(tiny_config)
    apply_options(cfg, {'model.test_cfg.rcnn.score_thr': 0.0})
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    weights = tmp_path / 'weights.pth'
    meta = {'dataset_meta': {'classes': ('box', 'disc')}}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, weights)
    image = cv2.imread(str(tiny_coco / 'images' / '1.png'))
    found = []
    for place in ('cpu', device):
        inferencer = Inferencer(cfg, weights, place, show_progress=False)
        (prediction,) = inferencer(image)['predictions']
        found.append(prediction)
    assert next(inferencer.model.parameters()).is_cuda
    scores = [np.sort(prediction['scores'])[::-1][:10] for prediction in found]
    assert len(scores[0]) > 0
    np.testing.assert_allclose(scores[1], scores[0], rtol=0.02, atol=1e-3)
