import json

import torch

from tools.benchmarks import multi_task as benchmark

NANO = 'configs/multi_task/fcn_r18_async_nano_shapes.py'


def test_times_every_kind_and_writes_the_numbers(repo, tmp_path, capsys):
    out = tmp_path / 'new' / 'numbers.json'
    arguments = ['--config', str(repo / NANO), '--size', '64', '--batch', '4', '--rounds', '2']
    assert benchmark.main([*arguments, '--out', str(out)]) == 0
    result = json.loads(out.read_text())['result']
    assert set(result) == {*benchmark.WRAPPERS, 'a model for each task'}
    for times in result.values():
        assert times['ours'] > 0
        assert times['reference'] > 0
    assert 'asynchronous SGD' in capsys.readouterr().out


def test_the_bound_trains_as_the_step(repo):
    """Same weights after each, so that they do the same work."""
    torch.manual_seed(0)
    joint = benchmark.Joint(str(repo / NANO), 4, 64, 'cpu')
    start = {k: v.clone() for k, v in joint.model.state_dict().items()}
    joint.bound()
    bound = {k: v.clone() for k, v in joint.model.state_dict().items()}
    assert any(not torch.equal(start[k], bound[k]) for k in start if 'weight' in k)
    joint.model.load_state_dict(start)
    joint.step(benchmark.WRAPPERS['plain SGD'])()
    for key, value in joint.model.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, bound[key], atol=1e-6), key
