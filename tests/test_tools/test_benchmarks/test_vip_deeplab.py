import json

from tools.benchmarks import vip_deeplab as benchmark

SMALL = '--height=40 --width=64 --frames=5 --centres=200 --rounds=1'


def test_both_sides_find_the_same(tmp_path):
    out = tmp_path / 'numbers.json'
    benchmark.main([*SMALL.split(), '--out', str(out), '--only', 'metric'])
    benchmark.main([*SMALL.split(), '--out', str(out), '--only', 'grouping'])
    result = json.loads(out.read_text())['result']
    assert result['metric']['error'] < 1e-9
    assert result['metric']['seconds']['ours_to_reference'] > 0
    assert result['grouping']['equal'] is True
    assert result['grouping']['MiB']['reference'] > 0
