import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.analysis.multi_task_curves import TaskCurves, read_task_curves
from mmvisx.cli.analysis.multi_task_curves import main
from mmvisx.utils import UserError


def write(folder, steps, tasks, shift=0.0):
    """Write a log as the runner does: training lines with iter, validation lines with step."""
    log = folder / '20260101' / 'vis_data'
    log.mkdir(parents=True)
    lines = []
    for k, step in enumerate(steps):
        lines.append(dict(loss=2.0 - k, iter=step, step=step))
        metrics = {}
        for task in tasks:
            metrics |= {f'{task}/mIoU': 10.0 * k + shift, f'{task}/val_loss': 1.0 / (k + 1)}
        lines.append(dict(metrics, step=step))
    (log / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))


@pytest.fixture
def series(tmp_path):
    """Two seeds of a joint training and of one of the task alone, half as long."""
    for seed in (0, 1):
        write(tmp_path / 'jointly' / f'seed_{seed}', [100, 200, 400], ['semantic', 'part'], seed)
        write(tmp_path / 'parts_alone' / f'seed_{seed}', [50, 100, 200], ['part'], 3 * seed)
    return tmp_path


def test_mean_spread_and_share_of_the_training(series):
    joint = read_task_curves(series / 'jointly', 'part')['mIoU']
    alone = read_task_curves(series / 'parts_alone', 'part')['mIoU']
    assert np.array_equal(joint.progress, [0.25, 0.5, 1])
    assert np.array_equal(alone.progress, joint.progress)
    assert np.allclose(joint.mean, [0.5, 10.5, 20.5])
    assert np.allclose(joint.spread, np.sqrt(0.5))
    assert np.allclose(alone.spread, np.sqrt(4.5))
    loss = read_task_curves(series / 'jointly' / 'seed_0', 'part')['val_loss']
    assert np.allclose(loss.mean, [1, 1 / 2, 1 / 3])
    assert not loss.spread.any()
    assert read_task_curves(series / 'parts_alone', 'semantic') == {}


def test_draws_the_rows_that_have_the_task(series, capsys):
    for task in ('semantic', 'part'):
        main([str(series), '--task', task, '--out', str(series / f'{task}.png')])
    assert 'part.png' in capsys.readouterr().out
    pictures = [
        np.asarray(Image.open(series / f'{t}.png').convert('RGB')) for t in ('semantic', 'part')
    ]
    # The second has the colour of a second line.
    orange = [int((p == (255, 127, 14)).all(axis=2).sum()) for p in pictures]
    assert orange[0] == 0
    assert orange[1] > 50


def plot_task_curves(series, task, out, rows=None):
    analysis = TaskCurves(task, rows)
    return analysis.draw(analysis.measure(series), out)


def test_mistakes_are_named(series):
    with pytest.raises(UserError, match=r"no row 'jointy' \(did you mean jointly\?\)"):
        plot_task_curves(series, 'part', series / 'x.png', ['jointy'])
    with pytest.raises(UserError, match="has the task 'depth'"):
        plot_task_curves(series, 'depth', series / 'x.png')
    with pytest.raises(UserError, match='--out'):
        plot_task_curves(series, 'part', series / 'x.nothing')
    write(series / 'jointly' / 'seed_2', [100], ['part'])
    with pytest.raises(UserError, match='are all of them finished'):
        plot_task_curves(series, 'part', series / 'x.png')
