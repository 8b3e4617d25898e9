import json

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmvisx.utils import UserError
from tools.benchmarks import detectors as benchmark


class Tiny(nn.Module):
    """Stands for backbone and neck."""

    def __init__(self, factor):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.factor = factor

    def forward(self, x):
        return (self.layers(x), self.factor * self.layers(x))


def test_measures_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    def build(part):
        ours, reference = Tiny(2.0), Tiny(1.0)
        reference.load_state_dict(ours.state_dict())
        return ours, reference

    monkeypatch.setattr(benchmark, 'build', build)
    out = tmp_path / 'new' / 'numbers.json'
    arguments = ['--out', str(out), '--rounds', '2', '--sizes', '16', '24']
    assert benchmark.main([*arguments, '--dtypes', 'float32', 'bfloat16']) == 0
    content = json.loads(out.read_text())
    assert [(r['size'], r['dtype']) for r in content['results']] == [
        (16, 'float32'), (24, 'float32'), (16, 'bfloat16'), (24, 'bfloat16'),
    ]  # fmt: skip
    for result in content['results']:
        # twice as much as the reference's second level
        assert result['largest_relative_difference'] == pytest.approx(1.0, abs=0.02)
        for task in ('inference', 'inference_fused', 'training_step'):
            assert result[task]['ours_to_reference'] > 0
    assert 'training_step_peak_mib' in capsys.readouterr().out


def test_reference_is_mmdets_of_the_same_recipe():
    model = Config.fromfile(benchmark.CONFIG).model.to_dict()
    renamed = str(benchmark._renamed(model))
    assert 'mmvisx' not in renamed
    assert renamed.count("'DetectoRS_ResNet'") == 2
    assert renamed.count("'RFP'") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu():
    with pytest.raises(UserError, match='sees no GPU'):
        benchmark.main(['--devices', 'cuda'])
