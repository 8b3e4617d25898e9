"""A nano DetectoRS learns 16 photographs by heart."""

import json

import pytest

CONFIG = 'configs/detectors/htc_rfp_sac_nano_coco16.py'

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def test_overfits_the_photographs(coco16, script, tmp_path):
    options = [f'data_root={coco16}/', 'randomness.seed=0']
    script('tools/train.py', CONFIG, '--work-dir', tmp_path, '--cfg-options', *options)
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (metrics,) = (line for line in lines if 'coco/bbox_mAP_50' in line)
    assert metrics['coco/bbox_mAP_50'] >= 0.80
