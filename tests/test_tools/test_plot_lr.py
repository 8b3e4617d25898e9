"""tools/analysis/plot_lr.py."""

import cv2
import pytest
from mmengine.config import Config

from mmvisx.utils import UserError

STEPS = [dict(type='MultiStepLR', milestones=[2, 5], gamma=0.1)]
COSINE = [dict(type='CosineAnnealingLR', T_max=7, convert_to_iter_based=True)]


def test_tool(tool, tmp_path, capsys):
    for name, schedulers in (('cosine', COSINE), ('steps', STEPS)):
        cfg = dict(train_cfg=dict(by_epoch=True, max_epochs=7), param_scheduler=schedulers)
        cfg['optim_wrapper'] = dict(optimizer=dict(type='SGD', lr=0.4))
        Config(cfg).dump(tmp_path / f'{name}.py')
    out = tmp_path / 'pictures' / 'lr.png'
    tool('tools/analysis/plot_lr.py', tmp_path / 'cosine.py', tmp_path / 'steps.py',
         '--iters-per-epoch', 5, '--out', out)  # fmt: skip
    text = capsys.readouterr().out
    assert 'cosine: 35 iterations, 0.4 ... 0.0008' in text
    assert 'steps: 35 iterations, 0.4 ... 0.004' in text
    assert cv2.imread(str(out)).std() > 5
    with pytest.raises(UserError, match='--legend has 1 names for 2 configs'):
        tool('tools/analysis/plot_lr.py', tmp_path / 'cosine.py', tmp_path / 'steps.py',
             '--legend', 'a', '--iters-per-epoch', 5)  # fmt: skip
    with pytest.raises(UserError, match=r'--out .*lr\.xyz'):
        tool('tools/analysis/plot_lr.py', tmp_path / 'steps.py', '--iters-per-epoch', 5,
             '--out', tmp_path / 'lr.xyz')  # fmt: skip
