import json

import pytest
import torch

from mmvisx.engine.hooks import CheckpointHook
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import read_checkpoint
from tests.test_engine.test_checkpoints import flip
from tools.benchmarks import reliability as benchmark


@pytest.fixture
def work_dir(tmp_path):
    """A checkpoint of 32 MiB."""
    state = {str(k): torch.zeros(2**21) for k in range(4)}
    torch.save(dict(meta=dict(epoch=1, iter=1), state_dict=state), tmp_path / 'epoch_1.pth')
    return tmp_path


def test_writing_needs_less_memory_and_both_sides_are_read(work_dir):
    result = benchmark.compare_files(work_dir, 2)
    assert result['bytes']['checkpoint'] > 2**25
    assert result['write_peak_mib']['ours'] < 8
    assert result['write_peak_mib']['reference'] > 24
    for name in ('write_seconds', 'read_seconds'):
        assert result[name]['ours'] > 0
        assert result[name]['reference'] > 0


def test_only_one_side_checks(work_dir):
    """What is timed is what it claims to be."""
    path = work_dir / 'epoch_1.pth'
    with benchmark.every_check():
        read_checkpoint(path)
    flip(path, 'data/0')
    with benchmark.plain_files():
        read_checkpoint(path)
    with benchmark.every_check(), pytest.raises(UserError, match='damaged'):
        read_checkpoint(path)


@pytest.mark.slow
def test_trains_both_sides_and_writes_the_numbers(tmp_path):
    out = tmp_path / 'new' / 'numbers.json'
    assert benchmark.main(['--images', '4', '--rounds', '1', '--out', str(out)]) == 0
    result = json.loads(out.read_text())['checkpoints']
    assert (result['steps'], result['steps_per_checkpoint']) == (2, 1)
    assert result['training_cpu_seconds']['ours'] > 0
    assert -5 < result['recipe_percent'] < 5


def test_the_reference_has_the_hook_of_mmengine(tmp_path):
    cfg = benchmark.config(tmp_path, tmp_path / 'work', 1)
    assert cfg.default_hooks.checkpoint.type == 'CheckpointHook'
    hooks = benchmark.PlainRunner.register_hook
    assert hooks is benchmark.Runner.register_hook
    assert hooks is not benchmark.CheckedRunner.register_hook
    assert CheckpointHook.__mro__[1].__module__.startswith('mmengine')
