"""A runner that keeps what it has written."""

import copy
import errno
import logging
import os
import signal
import subprocess
import sys

import pytest
import torch
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.hooks import Hook

from mmvisx.apis.run import build_runner, set_resume
from mmvisx.engine.hooks import CheckpointHook
from mmvisx.utils import UserError
from tests.contract.trainings import training
from tests.helpers.loggers import forget_loggers
from tests.test_utils.test_run_lock import HOLD


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A classifier, two epochs of an iteration."""
    return training('classifier', tmp_path_factory.mktemp('data'))


@pytest.fixture
def build(config, tmp_path):
    """``build(**settings)`` returns the runner of a training in ``tmp_path / 'work'``."""

    def call(**settings):
        forget_loggers()
        cfg = copy.deepcopy(config)
        cfg.work_dir = str(tmp_path / 'work')
        cfg.merge_from_dict(settings)
        return build_runner(cfg)

    return call


@pytest.mark.parametrize('kind', ['CheckpointHook', 'mmengine.CheckpointHook'])
def test_the_hook_that_a_config_names_is_ours(build, kind):
    runner = build(**{'default_hooks.checkpoint.type': kind})
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, MMEngineCheckpointHook))
    assert type(hook) is CheckpointHook


@pytest.fixture
def done(monkeypatch):
    """What is done to the files of a work dir, in its order."""
    found = []
    for name in ('replace', 'remove'):
        plain = getattr(os, name)

        def note(*paths, name=name, plain=plain):
            if str(paths[-1]).endswith(('.pth', 'last_checkpoint')):
                found.append(f'{name} {os.path.basename(paths[-1])}')
            return plain(*paths)

        monkeypatch.setattr(os, name, note)
    return found


def test_the_old_checkpoint_goes_last(build, done):
    build(**{'default_hooks.checkpoint.max_keep_ckpts': 1}).train()
    assert done == [
        'replace epoch_1.pth',
        'replace last_checkpoint',
        'replace epoch_2.pth',
        'replace last_checkpoint',
        'remove epoch_1.pth',
    ]


def test_what_a_dead_run_had_still_to_delete_is_deleted_on_resume(build, tmp_path, monkeypatch):
    one_kept = {'default_hooks.checkpoint.max_keep_ckpts': 1}
    plain = os.remove

    def die(path):
        if str(path).endswith('epoch_1.pth'):
            raise KeyboardInterrupt
        plain(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'remove', die)
        with pytest.raises(KeyboardInterrupt):
            build(**one_kept).train()
    assert len(list((tmp_path / 'work').glob('epoch_*.pth'))) == 2
    build(**one_kept, resume=True, train_cfg=dict(max_epochs=3)).train()
    assert [path.name for path in (tmp_path / 'work').glob('epoch_*.pth')] == ['epoch_3.pth']


def test_one_that_starts_anew_sets_the_former_aside(build, tmp_path):
    build().train()
    former = torch.load(tmp_path / 'work' / 'epoch_2.pth', weights_only=False)
    build(randomness=dict(seed=1)).train()
    (folder,) = (tmp_path / 'work').glob('former_*')
    assert sorted(os.listdir(folder)) == ['epoch_1.pth', 'epoch_2.pth', 'last_checkpoint']
    kept = torch.load(folder / 'epoch_2.pth', weights_only=False)
    assert kept['meta']['seed'] == former['meta']['seed'] == 0
    assert (tmp_path / 'work' / 'epoch_2.pth').is_file()


def test_one_that_goes_on_sets_nothing_aside(build, tmp_path):
    build(train_cfg=dict(max_epochs=1)).train()
    build(resume=True).train()
    assert not list((tmp_path / 'work').glob('former_*'))
    assert len(list((tmp_path / 'work').glob('epoch_*.pth'))) == 2


class BeforeHook(Hook):
    """Keep the weights that the training begins with."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if not hasattr(self, 'weights'):
            self.weights = copy.deepcopy(runner.model.state_dict())


def begin(build, **settings):
    """Train; returns the weights that it began with, and its runner."""
    runner, hook = build(**settings), BeforeHook()
    runner.register_hook(hook)
    runner.train()
    return hook.weights, runner


def test_a_script_that_always_resumes_starts_from_its_weights(build, config, tmp_path, capsys):
    """As ``tools/train.py --resume`` twice: the first time load_from counts, then no longer."""
    weights = {k: v + 1 for k, v in build().model.state_dict().items()}
    torch.save(dict(state_dict=weights), tmp_path / 'given.pth')
    cfg = copy.deepcopy(config)
    cfg.load_from = str(tmp_path / 'given.pth')
    set_resume(cfg, 'auto')
    settings = dict(resume=cfg.resume, load_from=cfg.load_from)
    first, _ = begin(build, **settings, train_cfg=dict(max_epochs=1))
    assert f'training starts from load_from={cfg.load_from}' in capsys.readouterr().out
    assert all(torch.equal(first[name], value) for name, value in weights.items())
    second, runner = begin(build, **settings)
    saved = torch.load(tmp_path / 'work' / 'epoch_1.pth', weights_only=True)['state_dict']
    assert runner.iter == 2
    assert all(torch.equal(second[name], value) for name, value in saved.items())


def test_the_pointer_is_renewed_even_if_nothing_is_left_to_train(build, tmp_path):
    build().train()
    pointer = tmp_path / 'work' / 'last_checkpoint'
    pointer.write_text('')
    build(resume=True).train()
    assert pointer.read_text() == str(tmp_path / 'work' / 'epoch_2.pth')


def test_a_second_training_in_the_work_dir_is_refused(build, tmp_path):
    work = tmp_path / 'work'
    work.mkdir()
    command = [sys.executable, '-c', HOLD, work]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert other.stdout.readline() == b'held\n'
    try:
        with pytest.raises(UserError, match=rf'process {other.pid} on .*another --work-dir'):
            build().train()
        assert not list(work.glob('*.pth'))
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.wait()
    build().train()
    assert (work / 'epoch_2.pth').is_file()


def test_a_work_dir_that_cannot_be_written_to(build, tmp_path):
    (tmp_path / 'work').write_text('')
    with pytest.raises(UserError, match=r'work dir .*work cannot be written to'):
        build()


class Full:
    """A stream on a full disk."""

    def write(self, *_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    flush = write


class FillHook(Hook):
    """Let the disk be full for a log from the first iteration on."""

    def __init__(self, handler):
        self.handler = handler

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.handler.stream = Full()


def log_of(runner):
    (handler,) = (h for h in runner.logger.handlers if isinstance(h, logging.FileHandler))
    return handler


def test_a_full_log_costs_a_line_and_not_the_training(build, capsys, tmp_path):
    runner = build()
    runner.register_hook(FillHook(log_of(runner)))
    runner.train()
    said = capsys.readouterr().err
    assert said.count('is not written any more: [Errno 28]') == 1
    assert 'Traceback' not in said
    assert (tmp_path / 'work' / 'epoch_2.pth').is_file()


def test_no_room_for_what_mmengine_writes_is_explained(build, tmp_path):
    runner = build()
    log_of(runner).stream = Full()  # it writes a note on each weight's origin there
    with pytest.raises(UserError, match=r'work cannot be written \(No space left.*Make room'):
        runner.train()
