"""What stands on the screen of a training, a test and a prediction: in a pipe, on a terminal."""

import json
import os
import pty
import re
import subprocess
import sys

import pytest

# All in one process: importing the libraries takes seconds.
COMMANDS = """
import json, sys
from mmvisx.cli.commands import main
for arguments in json.loads(sys.argv[1]):
    print('$', *arguments, flush=True)
    sys.argv = ['mmvisx', *arguments]
    assert not main()
"""


@pytest.fixture(scope='module')
def commands(tiny_config, tiny_coco, tmp_path_factory):
    """The work dir, and a command line that trains two epochs, tests and predicts."""
    work = tmp_path_factory.mktemp('quiet')
    data = ['--cfg-options', f'data_root={tiny_coco}/', 'model.test_cfg.rcnn.score_thr=0.0']
    lines = [
        ['train', str(tiny_config), '--work-dir', f'{work}/run', *data, 'train_cfg.max_epochs=2'],
        ['test', str(tiny_config), f'{work}/run/epoch_2.pth', '--work-dir', f'{work}/test', *data],
        ['predict', str(tiny_coco / 'images'), str(tiny_config), f'{work}/run/epoch_2.pth',
         '--out-dir', f'{work}/pictures'],
    ]  # fmt: skip
    return work, [sys.executable, '-c', COMMANDS, json.dumps(lines)]


@pytest.fixture(scope='module')
def piped(commands, repo):
    """What the three commands say into pipes: output, error output."""
    _, command = commands
    done = subprocess.run(
        command, cwd=repo, capture_output=True, text=True,
        env={**os.environ, 'PYTHONPATH': str(repo), 'FORCE_COLOR': '1', 'OMP_NUM_THREADS': '1'},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout, done.stderr


def test_pipe_has_few_plain_lines(piped):
    out, err = piped
    for text in (out, err):
        assert 'OneDL' not in text
        assert 'faster_coco_eval' not in text
        assert '\r' not in text
        assert '\x1b' not in text
    assert 'System environment' not in out
    assert 'optim_wrapper = ' not in out
    assert len(out.splitlines()) <= 50
    assert 'mmengine' not in out + err


def test_pipe_says_what_matters(piped, commands, tiny_coco):
    work, _ = commands
    train, test, predict = (part for part in re.split(r'^\$ .*\n', piped[0], flags=re.M) if part)
    for text in (str(tiny_coco), '4 images', '2 classes (box, disc)', f'{work}/run', 'MaskRCNN'):
        assert text in train, text
    for epoch in (1, 2):
        assert re.search(rf'^epoch {epoch}/2, iteration 2/2, loss \d\.\d+', train, re.M)
        assert f'validation after epoch {epoch}: 4 images' in train
    assert f'checkpoint: {work}/run/epoch_2.pth' in train
    for text in (f'weights   {work}/run/epoch_2.pth', '4 images', f'{work}/test'):
        assert text in test, text
    for text in (train, test):
        assert re.search(r'^ +AP +AP50 +AP75 ', text, re.M)
        assert re.search(r'^box +\d\.\d{3} ', text, re.M)
        assert re.search(r'^mask +\d\.\d{3} ', text, re.M)
    assert re.search(r'^disc +\d\.\d{3} +\d\.\d{3}$', test, re.M)  # of each class
    assert 'epoch_2.pth' in predict
    assert f'pictures in {work}/pictures/vis' in predict


def test_log_file_has_the_rest(piped, commands):
    work, _ = commands
    for name in ('run', 'test'):
        (log,) = (work / name).glob('*/*.log')
        text = log.read_text()
        for part in ('System environment', 'Runtime environment', 'Config:', 'optim_wrapper = '):
            assert part in text
        assert 'Hooks will be executed' in text
        assert 'bbox_mAP_copypaste' in text


def test_terminal_has_a_line_that_moves(commands, repo):
    _, command = commands
    main, other = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ('NO_COLOR', 'FORCE_COLOR')}
    environment.update(TERM='xterm', COLUMNS='120', PYTHONPATH=str(repo), OMP_NUM_THREADS='1')
    process = subprocess.Popen(command, cwd=repo, stdout=other, stderr=other, env=environment)
    os.close(other)
    text = b''
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the end, on Linux
            break
        text += part
        if not part:
            break
    os.close(main)
    assert process.wait() == 0, text[-3000:].decode()
    plain = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', text.decode())
    assert 'OneDL' not in plain
    # The training's line between the validations, which have one of their own.
    line = re.search(r'\repoch \d/2 [━╸╺ ]+ *\d+/4 ?(\d:\d\d:\d\d left)? +loss \d\.\d+', plain)
    assert line, plain
    assert re.search(r'\rvalidation [━╸╺ ]+ *4/4 metrics are being computed', plain)
    assert re.search(r'\rtest [━╸╺ ]+ *4/4 ', plain)
    assert '\nvalidation after epoch 2: 4 images' in plain.replace('\r', '\n')


def test_verbose_is_the_log(tool, tiny_config, tiny_coco, tmp_path, capfd):
    options = ('--work-dir', tmp_path, '--verbose', '--cfg-options', f'data_root={tiny_coco}/')
    tool('tools/train.py', tiny_config, *options)
    out = capfd.readouterr().out
    for text in ('System environment', 'Config:', 'Epoch(train) [1][2/2]', 'loading annotations'):
        assert text in out
    tool('tools/test.py', tiny_config, tmp_path / 'epoch_1.pth', *options)
    out = capfd.readouterr().out
    for text in ('System environment', 'Config:', 'Epoch(test) [4/4]'):
        assert text in out


def test_warnings_reach_the_screen(tool, tiny_config, tiny_coco, tmp_path, capfd):
    warm_up = dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=500)
    config = tmp_path / 'config.py'
    config.write_text(f'_base_ = {str(tiny_config)!r}\nparam_scheduler = [{warm_up!r}]\n')
    tool(
        'tools/train.py', config, '--work-dir', tmp_path, '--resume', '--cfg-options',
        f'data_root={tiny_coco}/', 'val_evaluator.metric=bbox',
    )  # fmt: skip
    out = capfd.readouterr().out
    assert f'warning: --resume: no checkpoint in {tmp_path}, training starts from scratch' in out
    assert re.search(r'^warning: .*warm-up', out, re.M)
