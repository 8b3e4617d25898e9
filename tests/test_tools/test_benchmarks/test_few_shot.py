import json

import pytest
import torch

from tools.benchmarks import few_shot as benchmark

SMALL = {
    'large': 9, 'few': 4, 'side': 32, 'batch': 2, 'rounds': 2, 'nearest': 200, 'queries': 8,
    'bank': 400, 'steps': 1, 'sampled': 2,
}  # fmt: skip


def test_measures_all_costs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, 'held_by', lambda bank, args: 100.0 * ('whole' in str(bank)))
    out = tmp_path / 'new' / 'numbers.json'
    options = [text for key, value in SMALL.items() for text in (f'--{key}', str(value))]
    assert benchmark.main([*options, '--out', str(out)]) == 0
    result = json.loads(out.read_text())['result']
    assert set(result) == {'taught', 'adding', 'nearest', 'memory', 'sampling'}
    assert result['taught']['ours_to_reference'] > 0
    assert result['memory']['more_megabytes'] == 100
    assert 0 < result['sampling']['share'] < 1
    # 200,000 activations against 9 weights and 4 x 3 samples, of the same width
    assert result['nearest']['memory_ratio'] == pytest.approx(200_000 / 21, abs=0.1)
    assert 'sampling: ' in capsys.readouterr().out


def test_memory_of_a_training(tmp_path, capsys):
    benchmark.make_bank(tmp_path / 'bank', 40, 4)
    benchmark.main(['--hold', str(tmp_path / 'bank'), '--steps', '1', '--sampled', '1'])
    assert float(capsys.readouterr().out) > 100  # with PyTorch in it, MiB


def test_both_networks_have_as_many_classes():
    head = benchmark.taught_head(5, 2)
    assert head.classify(torch.rand(3, benchmark.CHANNELS)).shape == (3, 7)
    assert len(head.few_weight) == 2 * benchmark.SHOTS
