"""A small Stacked U-Net learns four photographs by heart; the demo draws them."""

import json

import pytest

CONFIG = 'configs/stacked_unet/sunet_nano_voc_seg4.py'

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def test_overfits_the_photographs(realdata, script, tmp_path):
    folder = realdata / 'voc_seg4'
    options = [f'data_root={folder}/', 'randomness.seed=0']
    script('tools/train.py', CONFIG, '--work-dir', tmp_path, '--cfg-options', *options)
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (metrics,) = (line for line in lines if 'mIoU' in line)
    assert metrics['mIoU'] >= 90
    (weights,) = tmp_path.glob('iter_*.pth')
    text = script('demo/seg_demo.py', folder, CONFIG, weights, '--out-dir', tmp_path / 'out')
    # The label maps lie in the same folder, and are images as well.
    assert '8 images, 0 images unreadable' in text
    assert len(list((tmp_path / 'out' / 'vis').iterdir())) == 8
