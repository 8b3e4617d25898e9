import json

import torch
from torch import nn

from tests.helpers import detection_families
from tools.benchmarks import weighted_losses as benchmark


def test_times_both_sides_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'build', lambda path: detection_families.build('Mask R-CNN'))
    monkeypatch.setattr(benchmark, 'SIDES', {})
    # Classes of the small detector.
    plain = benchmark.demo_mm_inputs
    monkeypatch.setattr(benchmark, 'demo_mm_inputs', lambda *a, **k: plain(*a, **k, num_classes=2))
    out = tmp_path / 'new' / 'numbers.json'
    arguments = ['--families', 'Mask R-CNN', '--side', '96', '--rounds', '2', '--out', str(out)]
    assert benchmark.main(arguments) == 0
    content = json.loads(out.read_text())
    (result,) = content['results']
    assert (result['family'], result['side'], result['batch']) == ('Mask R-CNN', 96, 2)
    assert result['ours'] > 0
    assert result['reference'] > 0
    assert 0.3 < result['ours_to_reference'] < 3
    assert 'Mask R-CNN' in capsys.readouterr().out


def test_only_one_side_weights():
    """What is timed is what it claims: the sides' losses differ, and only by the weights."""
    plain = detection_families.build('FCOS')
    weighted = benchmark.weight_box_losses(benchmark.copy.deepcopy(plain))
    data = benchmark.make_data(96, 2)
    for sample in data['data_samples']:
        sample.gt_instances.labels %= detection_families.CLASSES

    def total(model: nn.Module):
        torch.manual_seed(0)
        batch = model.data_preprocessor(benchmark.copy.deepcopy(data), True)
        return model.parse_losses(model(**batch, mode='loss'))[0]

    assert total(plain) > total(weighted)
    for sample in data['data_samples']:
        sample.gt_instances.weights[:] = 1
    assert torch.equal(total(plain), total(weighted))
