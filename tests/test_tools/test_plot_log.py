"""tools/analysis/plot_log.py on the log of a real training."""

import cv2
import pytest

from mmvisx.analysis.training_curves import read_curves
from mmvisx.utils import UserError


def test_curves_of_a_training(tool, trained, tmp_path, capsys):
    assert tool('tools/analysis/plot_log.py', trained, '--out', tmp_path / 'c.png') == 0
    assert f'wrote {tmp_path}/c.png' in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / 'c.png')).std() > 5
    curves = read_curves(trained)
    assert curves['loss'][0] == [1, 2]
    assert curves['coco/bbox_mAP'][0] == [2]  # not 1, the number of the epoch


def test_unknown_key(tool, trained, tmp_path):
    with pytest.raises(UserError, match='loss_rpn_cls'):
        tool('tools/analysis/plot_log.py', trained, '--keys', 'loss_rpn_clss')
