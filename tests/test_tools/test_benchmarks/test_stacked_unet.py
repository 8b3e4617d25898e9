import json

import pytest
import torch

from mmvisx.utils import UserError
from tools.benchmarks import stacked_unet as benchmark

SMALL = dict(
    benchmark.OURS,
    backbone=dict(
        type='mmvisx.StackedUNet',
        arch=dict(filters=4, modules=(1, 1, 1, 1), channels=(8, 8, 8, 8), stem_channels=4),
        output_stride=16,
    ),
    decode_head=dict(benchmark.OURS['decode_head'], in_channels=8, channels=8),
)
SMALLER = dict(SMALL, decode_head=dict(SMALL['decode_head'], channels=4))


def test_parameters_of_both_sides():
    found = benchmark.parameters()
    assert found['segmentor']['ours'] == 12_976_981
    assert found['backbone']['ours'] == 5_885_248
    # torchvision's 44,549,160 less the classifier, with three 3x3 convolutions as stem.
    stem = (27 * 32 + 64) + (9 * 32 * 32 + 64) + (9 * 32 * 64 + 128)
    resnet101 = 44_549_160 - 2049 * 1000 - (49 * 3 * 64 + 128) + stem
    assert found['backbone']['reference'] == resnet101
    for part in found.values():
        assert part['reference_to_ours'] == pytest.approx(part['reference'] / part['ours'], 0.01)
    # "About 7 times fewer parameters" (002, 4.1) is right of the backbones.
    assert found['backbone']['reference_to_ours'] == pytest.approx(7, abs=0.3)


def test_measures_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'OURS', SMALL)
    monkeypatch.setattr(benchmark, 'reference', lambda auxiliary=True: SMALLER)
    monkeypatch.setattr(benchmark.compare, '__defaults__', (SMALL, SMALLER))
    out = tmp_path / 'new' / 'numbers.json'
    arguments = ['--size', '48', '--rounds', '2', '--out', str(out)]
    assert benchmark.main(arguments) == 0
    content = json.loads(out.read_text())
    results = content['results']
    assert (results['batch'], results['size'], results['device']) == (2, 48, 'cpu')
    for key in ('training_peak_mib', 'training_step_peak_mib', 'training_step_seconds'):
        assert set(results[key]) == {'ours', 'reference', 'ours_to_reference'}
    assert results['training_step_seconds']['ours_to_reference'] > 0
    assert content['parameters']['segmentor']['ours'] > 0
    assert content['machine']['threads'] >= 1
    assert 'training_step_peak_mib' in capsys.readouterr().out


def test_a_step_trains():
    training = benchmark.Training(SMALL, 'cpu')
    before = {k: v.clone() for k, v in training.model.named_parameters()}
    training.step(*benchmark.batch_of(2, 48, 'cpu'))
    changed = [k for k, v in training.model.named_parameters() if not torch.equal(v, before[k])]
    assert 'backbone.stages.0.0.reduce.conv.weight' in changed
    assert 'decode_head.conv_seg.weight' in changed
    assert all(p.grad is None for p in training.model.parameters())


@pytest.mark.parametrize('option', ['--batch', '--size', '--rounds'])
def test_bad_numbers_are_clear_errors(option):
    with pytest.raises(UserError, match=rf'{option} 0 should be at least 1'):
        benchmark.main([option, '0'])


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu():
    with pytest.raises(UserError, match='sees no GPU'):
        benchmark.main(['--device', 'cuda'])
