import json

import pytest

from mmvisx.utils import UserError
from tools.benchmarks import classification_pipeline as benchmark


def test_times_both_pipelines_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'PHOTOGRAPHS', ('coffee',))
    out = tmp_path / 'new' / 'numbers.json'
    assert benchmark.main(['--rounds', '1', '--out', str(out)]) == 0
    content = json.loads(out.read_text())
    result = content['result']
    steps = list(result['printed']['milliseconds'])
    assert steps == [
        'LoadImageFromFile',
        'RandomResizedCrop',
        'RandomFlip',
        'HSVJitter',
        'PCANoise',
        'PackInputs',
    ]
    assert list(result['standard']['milliseconds']) == [*steps[:3], steps[-1]]
    assert all(result[name]['images_per_second'] > 0 for name in ('printed', 'standard'))
    assert result['printed_to_standard'] > 0
    assert 'printed by standard' in capsys.readouterr().out


def test_a_folder_without_images(tmp_path):
    with pytest.raises(UserError, match=r'no \.jpg files'):
        benchmark.main(['--images', str(tmp_path)])
