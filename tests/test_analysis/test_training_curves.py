"""Curves from MMEngine's log."""

import json

import cv2
import pytest

from mmvisx.analysis.training_curves import TrainingCurves, read_curves
from mmvisx.utils import UserError
from mmvisx.visualization import curves


def plot_curves(logs, keys, out, legend=None):
    analysis = TrainingCurves(keys, legend)
    return analysis.draw(analysis.measure(logs), out)


def write(folder, start, lines):
    target = folder / start / 'vis_data' / 'scalars.json'
    target.parent.mkdir(parents=True)
    target.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return target


@pytest.fixture
def run(tmp_path):
    train = [
        {'loss': 4 / i, 'lr': 0.1, 'epoch': 1 + (i > 2), 'iter': i, 'step': i} for i in range(1, 5)
    ]
    lines = [*train[:2], {'coco/bbox_mAP': 0.2, 'step': 1}]
    lines += [*train[2:], {'coco/bbox_mAP': 0.4, 'step': 2}]
    write(tmp_path / 'run', '20240101_000000', lines)
    return tmp_path / 'run'


def test_validation_stands_at_the_iteration_its_epoch_ended(run):
    curves = read_curves(run)
    assert curves['loss'] == ([1, 2, 3, 4], [4, 2, 4 / 3, 1])
    assert curves['coco/bbox_mAP'] == ([2, 4], [0.2, 0.4])
    assert 'epoch' not in curves


def test_a_resumed_run_is_one_curve(run):
    write(run, '20240102_000000', [{'loss': 9, 'epoch': 2, 'iter': i, 'step': i} for i in (4, 5)])
    assert read_curves(run)['loss'] == ([1, 2, 3, 4, 5], [4, 2, 4 / 3, 9, 9])


def test_ap_of_sizes_that_no_object_has_is_left_out(run):
    lines = [{'coco/bbox_mAP_l': -1.0, 'reward': -1.0, 'step': 3}]
    write(run, '20240103_000000', lines)
    curves = read_curves(run)
    assert 'coco/bbox_mAP_l' not in curves
    assert curves['reward'] == ([3], [-1.0])


def test_picture(run, tmp_path):
    out = plot_curves([run, run], ['loss', 'coco/bbox_mAP'], tmp_path / 'a' / 'b.png', ['x', 'y'])
    picture = cv2.imread(str(out))
    assert picture.shape[1] > 2 * picture.shape[0]  # two panels
    assert picture.std() > 10
    one = cv2.imread(str(plot_curves([run], ['loss'], tmp_path / 'c.png')))
    assert one.shape[1] < picture.shape[1]


def test_curves_of_one_picture_can_be_told_apart(run, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(curves, 'save_figure', lambda figure, out: figures.append(figure))
    plot_curves([run] * 12, ['loss'], tmp_path / 'a.png', [str(k) for k in range(12)])
    (axis,) = figures[0].axes
    looks = {(line.get_color(), line.get_linestyle()) for line in axis.get_lines()}
    assert len(looks) == len(axis.get_lines()) == 12


def test_unknown_key_lists_the_known_ones(run, tmp_path):
    with pytest.raises(UserError, match=r"'los' \(did you mean loss\?\); it has coco/bbox_mAP"):
        plot_curves([run], ['los'], tmp_path / 'b.png')


def test_missing_log(tmp_path):
    with pytest.raises(UserError, match='nothing_here does not exist'):
        plot_curves([tmp_path / 'nothing_here'], None, tmp_path / 'b.png')
    with pytest.raises(UserError, match='did a training run there'):
        plot_curves([tmp_path], None, tmp_path / 'b.png')


def test_broken_line_is_named(run, tmp_path):
    log = write(tmp_path / 'x', 'y', [{'loss': 1, 'step': 1}])
    log.write_text(log.read_text() + '{"loss": ')
    with pytest.raises(UserError, match=r'scalars\.json, line 2'):
        read_curves(log)


def test_unknown_picture_format(run, tmp_path):
    with pytest.raises(UserError, match=r'b\.xyz'):
        plot_curves([run], None, tmp_path / 'b.xyz')
