"""A line for each run of a series; on a terminal also the last words of those that run."""

import io

from rich.console import Console

from mmvisx.apis.series_screen import SeriesScreen, last_line


def shown(screen):
    console = Console(file=io.StringIO(), width=200)
    console.print(screen._render())
    return console.file.getvalue()


def test_finished_runs_have_a_line_each(capsys):
    screen = SeriesScreen(3, ['coco/bbox_mAP', 'loss'])
    with screen:
        metrics = {'coco/bbox_mAP': 0.31234, 'other': 1.0}
        screen.finished(dict(row='SAC [a]', seed=0, metrics=metrics, seconds=61.2))
        screen.finished(dict(row='SAC [a]', seed=1, error='exit code 1, see output.txt'))
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        '[1/3] SAC [a], seed 0: coco/bbox_mAP 0.3123, in 0:01:01',
        '[2/3] SAC [a], seed 1: failed, exit code 1, see output.txt',
    ]
    assert printed.out == ''


def test_running_ones_show_what_they_said_last(tmp_path, capsys):
    screen = SeriesScreen(2, [])
    log = tmp_path / 'output.txt'
    with screen, screen.running('SAC, seed 0', log):
        assert 'SAC, seed 0' in shown(screen)
        log.write_text('model x\nepoch 1/3, iteration 2/9, loss 1.5\nepoch 1/3, iter')
        text = ' '.join(shown(screen).split())
        assert text == 'SAC, seed 0 epoch 1/3, iteration 2/9, loss 1.5'
    assert shown(screen).strip() == ''


def test_last_line_of_a_long_file(tmp_path):
    file = tmp_path / 'output.txt'
    assert last_line(file) == ''
    file.write_text('x' * 10000 + '\nlast é\n\n', encoding='utf-8')
    assert last_line(file) == 'last é'
    file.write_text('no end of line')
    assert last_line(file) == ''


def test_nothing_of_a_terminal_goes_into_a_pipe(capsys, monkeypatch):
    monkeypatch.setenv('FORCE_COLOR', '1')
    screen = SeriesScreen(1, ['a'])
    with screen:
        screen.finished(dict(row='r', seed=0, metrics={'a': 1}, seconds=0))
    assert capsys.readouterr().err == '[1/1] r, seed 0: a 1, in 0:00:00\n'
