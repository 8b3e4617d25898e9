import json

import pytest
import torch

from mmvisx.ops.mmcv_ext import functions, is_standing_in
from mmvisx.utils import UserError

if is_standing_in():
    pytest.skip('mmcv has no compiled ops here', allow_module_level=True)

from tools.benchmarks import ops as benchmark


@pytest.fixture(autouse=True)
def _compiled_afterwards():
    yield
    benchmark.use(benchmark.compiled)


def test_times_both_sides_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'BOXES', 220)
    monkeypatch.setattr(benchmark, 'REGIONS', 3)
    out = tmp_path / 'new' / 'numbers.json'
    assert benchmark.main(['--out', str(out), '--rounds', '1']) == 0
    content = json.loads(out.read_text())
    assert content['machine']['threads'] >= 1
    kinds = [result['name'].split(',')[0] for result in content['results']]
    assert kinds == ['nms', 'soft_nms', 'roi_align', 'roi_align with gradient', 'training step']
    for result in content['results']:
        assert result['ours'] > 0
        assert result['ours_to_reference'] == pytest.approx(
            result['ours'] / result['reference'], rel=0.1, abs=0.01
        )
    assert 'training step' in capsys.readouterr().out


def test_each_side_has_its_own_ops(monkeypatch):
    """What is timed is what it claims: each call reaches the ops of its side."""
    called = []
    for name, module in (('ours', functions), ('reference', benchmark.compiled)):
        real = module.nms
        monkeypatch.setattr(
            module, 'nms', lambda *a, n=name, f=real, **k: (called.append(n), f(*a, **k))[1]
        )
    boxes = benchmark.make_boxes(5)
    benchmark.compare('nms', 1, lambda: benchmark.nms(boxes, torch.rand(5), 0.5)[:0], 2)
    assert called == ['ours', 'reference', 'reference', 'ours', 'ours', 'reference']


def test_refuses_to_time_something_else(monkeypatch):
    monkeypatch.setattr(functions, 'nms', lambda boxes, *a, **k: torch.arange(len(boxes)))
    boxes = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 8]])
    with pytest.raises(RuntimeError, match='nms: the results of both kinds of ops differ'):
        benchmark.compare('nms', 1, lambda: benchmark.nms(boxes, torch.ones(2), 0.5), 1)


def test_needs_compiled_ops(monkeypatch):
    monkeypatch.setattr(benchmark, 'is_standing_in', lambda: True)
    with pytest.raises(UserError, match='OPS=compiled'):
        benchmark.main([])
