"""A training that is told to end goes on as if nothing had happened."""

import random
import signal
import threading
from pathlib import Path

import pytest
import torch

from tests.helpers.checkpoints import same
from tests.helpers.interrupted_training import BATCHES, EPOCHS, ITERATIONS, build_runner, train

TIMES = ('data_time', 'time', 'eta')


def read(folder, name=None):
    return torch.load(folder / (name or f'epoch_{EPOCHS}.pth'), weights_only=False)


def assert_same_end(one, other, name=None):
    one, other = read(one, name), read(other, name)
    assert one.keys() == other.keys()
    for key in one.keys() - {'meta', 'message_hub'}:
        assert same(one[key], other[key]), key
    assert one['meta']['iter'] == other['meta']['iter'] == ITERATIONS
    hubs = [c['message_hub']['runtime_info'] for c in (one, other)]
    for key in ('best_score', 'mmvisx_validated', 'mmvisx_epoch'):
        assert hubs[0].get(key) == hubs[1].get(key), key


def interrupt(folder, code=143, **options):
    """Train until the signal; return what the model has seen."""
    runner = build_runner(folder, **options)
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)]
    with pytest.raises(SystemExit) as end:
        runner.train()
    assert end.value.code == code
    assert before == [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)]
    assert Path((folder / 'last_checkpoint').read_text()) == folder / 'interrupted.pth'
    return runner.model.seen


def check(folder, at, **options):
    """Stop at an iteration, resume, and compare with the uninterrupted training."""
    whole = train(folder / 'whole', **options)
    seen = interrupt(folder / 'broken', stop=dict(at=at), **options)
    assert len(seen) == 2 * (at + 1)
    resumed = train(folder / 'broken', resume=True, **options)
    # Nothing is repeated, nothing is left out.
    assert seen + resumed.seen == whole.seen
    by_epoch = options.get('by_epoch', True)
    name = None if by_epoch else f'iter_{ITERATIONS}.pth'
    assert_same_end(folder / 'whole', folder / 'broken', name)
    assert not (folder / 'broken' / 'interrupted.pth').exists()


@pytest.mark.parametrize('at', range(0, ITERATIONS - 1, 3))
def test_resumed_inside_an_epoch_equals_uninterrupted(tmp_path, at):
    check(tmp_path, at)


CASES = {
    'concat': dict(data='concat'),
    'repeat': dict(data='repeat'),
    'mix': dict(data='mix', optim='Adam'),
    'accumulated': dict(accumulate=3),
    'infinite': dict(by_epoch=False, sampler='Infinite', interval=5),
    'passes': dict(by_epoch=False, interval=5, accumulate=5),
    'worker': dict(workers=1),
    'workers that end with the epoch': dict(workers=2, persistent=False),
    'iterations in epochs': dict(interval=3, validate=True),
}


@pytest.fixture
def no_pause(monkeypatch):
    # MMEngine waits for two seconds after each pass over the data.
    monkeypatch.setattr('mmengine.runner.loops.time.sleep', lambda seconds: None)


@pytest.mark.parametrize('case', CASES)
def test_resumed_equals_uninterrupted(tmp_path, case, no_pause):
    check(tmp_path, 5, **CASES[case])


@pytest.mark.slow
@pytest.mark.parametrize('validate', [False, True])
@pytest.mark.parametrize('case', ['plain', *CASES])
def test_resumed_from_ten_iterations_equals_uninterrupted(tmp_path, case, validate, no_pause):
    moments = random.Random(case).sample(range(ITERATIONS - 1), 10)
    for at in moments:
        check(tmp_path / str(at), at, **{'validate': validate, **CASES.get(case, {})})


@pytest.mark.parametrize('by_epoch', [True, False])
def test_a_validation_that_is_cut_short_is_done_on_resume(tmp_path, by_epoch, no_pause):
    options = dict(validate=True, by_epoch=by_epoch, interval=1 if by_epoch else BATCHES)
    name = None if by_epoch else f'iter_{ITERATIONS}.pth'
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    expected = train(whole, **options)
    # In the first, and in the one of the resumed run, and twice in the same.
    seen = interrupt(broken, stop=dict(at=BATCHES, batch=1), **options)
    seen += interrupt(broken, stop=dict(at=BATCHES, batch=3), resume=True, **options)
    seen += interrupt(broken, stop=dict(at=2 * BATCHES, batch=0), resume=True, **options)
    seen += interrupt(broken, stop=dict(at=ITERATIONS, batch=2), resume=True, **options)
    assert seen == expected.seen
    assert train(broken, resume=True, **options).seen == []
    assert_same_end(whole, broken, name)
    best = [sorted(path.name for path in folder.glob('best_*')) for folder in (whole, broken)]
    assert best[0] == best[1]
    rates = read(whole, name)['param_schedulers'][1]
    assert rates['num_bad_epochs'] or rates['best'] != float('inf')  # it has seen the metric


def test_a_validation_that_was_killed_is_done_on_resume(tmp_path):
    """The checkpoint is from before the validation, and does not know it."""
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    train(whole, validate=True)
    runner = build_runner(killed, validate=True)
    runner.val_evaluator.process = None  # ends the training like a fault, or a kill
    with pytest.raises(TypeError):
        runner.train()
    assert not list(killed.glob('best_*'))
    train(killed, validate=True, resume=True)
    assert_same_end(whole, killed)
    names = [sorted(path.name for path in folder.glob('best_*')) for folder in (whole, killed)]
    assert names[0] == names[1]


def test_a_checkpoint_by_iterations_is_resumed_inside_the_epoch(tmp_path):
    hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1))
    options = dict(validate=False)
    whole = build_runner(tmp_path / 'whole', **options)
    whole.register_hook(hooks['checkpoint'], 'VERY_LOW')
    model = whole.train()
    resumed = train(
        tmp_path / 'resumed', load_from=str(tmp_path / 'whole' / 'iter_6.pth'), resume=True
    )
    assert resumed.seen == model.seen[12:]
    assert torch.equal(resumed.weight, model.weight)


@pytest.mark.parametrize('by_epoch', [True, False])
def test_what_has_been_drawn_is_not_loaded(tmp_path, by_epoch, no_pause):
    interrupt(tmp_path, stop=dict(at=6), by_epoch=by_epoch, interval=100)
    runner = build_runner(tmp_path, resume=True, by_epoch=by_epoch)
    runner.train()
    assert len(runner.train_dataloader.dataset.loaded) == 2 * (ITERATIONS - 7)


@pytest.mark.parametrize('batches', [BATCHES // 2, 2 * BATCHES])
def test_another_number_of_batches_goes_on_after_the_same_share(tmp_path, capsys, batches):
    interrupt(tmp_path, stop=dict(at=BATCHES + 1))  # two of four
    model = train(tmp_path, resume=True, batch_size=2 * BATCHES // batches)
    assert f'had 4 batches when it was interrupted and has {batches} now' in capsys.readouterr().out
    assert len(model.seen) == 3 * BATCHES  # half of the second epoch, and the third


def test_the_line_on_the_screen(tmp_path, capsys, monkeypatch):
    arguments = ['a config.py', '--resume', '--work-dir', 'x']
    monkeypatch.setattr('sys.argv', ['mmvisx train', *arguments])
    interrupt(tmp_path, stop=dict(at=5))
    line = capsys.readouterr().out.splitlines()[-1]
    assert 'SIGTERM: stopped after iteration 6' in line
    assert f'Checkpoint: {tmp_path}/interrupted.pth' in line
    assert line.endswith("To go on: mmvisx train 'a config.py' --work-dir x --resume")


def test_exit_codes(tmp_path, capfd):
    interrupt(tmp_path / 'usr1', 143, stop=dict(at=1, number=signal.SIGUSR1))
    interrupt(tmp_path / 'int', 130, stop=dict(at=1, number=signal.SIGINT))
    assert 'again: at once' in capfd.readouterr().err


def test_interrupted_checkpoints_do_not_pile_up(tmp_path):
    options = dict(interval=100)
    interrupt(tmp_path, stop=dict(at=1), **options)
    first = read(tmp_path, 'interrupted.pth')
    interrupt(tmp_path, stop=dict(at=4), resume=True, **options)
    assert read(tmp_path, 'interrupted.pth')['meta']['iter'] == 5 > first['meta']['iter']
    assert [path.name for path in tmp_path.glob('*.pth')] == ['interrupted.pth']
    train(tmp_path, resume=True, **options)
    assert [path.name for path in tmp_path.glob('*.pth')] == [f'epoch_{EPOCHS}.pth']


def test_signals_are_caught_only_while_a_loop_runs(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    runner = build_runner(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before
    runner.train()
    assert signal.getsignal(signal.SIGTERM) is before
    failing = build_runner(tmp_path / 'failing')
    failing.model.forward = None
    with pytest.raises(TypeError):
        failing.train()
    assert signal.getsignal(signal.SIGTERM) is before


def test_training_in_another_thread_catches_nothing(tmp_path):
    found = []

    def run():
        train(tmp_path)
        found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]
    assert (tmp_path / f'epoch_{EPOCHS}.pth').is_file()
