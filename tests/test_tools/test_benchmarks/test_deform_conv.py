import json

import pytest

from mmvisx.models.layers import deform_conv2d
from tools.benchmarks import deform_conv as benchmark


def test_measures_all_ops_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'SHAPES', ((1, 4, 5, 6),))
    out = tmp_path / 'new' / 'numbers.json'
    assert benchmark.main(['--out', str(out), '--rounds', '1', '--seconds', '0.001']) == 0
    content = json.loads(out.read_text())
    (result,) = content['results']
    assert result['shape'] == [1, 4, 5, 6]
    for mode in ('forward', 'forward_backward'):
        milliseconds = result[mode]['milliseconds']
        assert set(milliseconds) == {'mmvisx', 'torchvision', 'mmcv'}
        assert set(result[mode]['times_faster_than']) == {'torchvision', 'mmcv'}
        assert all(value > 0 for value in milliseconds.values())
    assert content['machine']['cores'] >= content['machine']['threads'] >= 1
    assert 'forward_backward' in capsys.readouterr().out


def test_refuses_to_time_something_else(monkeypatch):
    wrong = dict(benchmark.OPS, mmvisx=lambda x, o, w: 2 * deform_conv2d(x, o, w, padding=1))
    monkeypatch.setattr(benchmark, 'OPS', wrong)
    with pytest.raises(RuntimeError, match='mmvisx differs from torchvision'):
        benchmark.measure((1, 4, 5, 6), 1, 0.001)
