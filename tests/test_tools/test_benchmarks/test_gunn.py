import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mmvisx.models.backbones import GUNN
from mmvisx.utils import UserError
from tools.benchmarks import gunn as benchmark


def small(memory_efficient):
    backbone = GUNN([(8, 4, 2, 1)], stem='cifar', memory_efficient=memory_efficient)
    return benchmark.Classifier(backbone, 8, 3)


CASE = benchmark.Case(
    lambda: small(True), lambda: small(False), same=True, batch=4, size=8, classes=3, limit=0.5
)


def test_measures_and_writes_the_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'CASES', {'small': CASE, 'gunn15': CASE})
    # A process of its own would know the real cases only.
    monkeypatch.setattr(benchmark, 'fresh_process', lambda: ThreadPoolExecutor(1))
    out = tmp_path / 'new' / 'numbers.json'
    assert benchmark.main(['--cases', 'small', '--rounds', '2', '--out', str(out)]) == 0
    content = json.loads(out.read_text())
    (result,) = content['results'].values()
    assert (result['batch'], result['size'], result['memory_limit']) == (4, 8, 0.5)
    assert 0 <= result['gradient_difference'] < 1e-5
    for key in ('training_peak_mib', 'training_step_peak_mib', 'training_step_seconds'):
        assert set(result[key]) == {'ours', 'reference', 'ours_to_reference'}
    assert result['training_step_seconds']['ours_to_reference'] > 0
    assert isinstance(result['within_memory_limit'], bool)
    assert content['machine']['threads'] >= 1
    assert 'training_step_peak_mib' in capsys.readouterr().out


def test_notices_another_gradient():
    case = benchmark.Case(
        lambda: small(True).requires_grad_(),
        lambda: small(False),
        same=True, batch=4, size=8, classes=3, limit=0.5,
    )  # fmt: skip
    x = torch.randn(4, 3, 8, 8)
    assert benchmark.largest_difference(case, x, 'cpu') < 1e-5

    def other():
        model = small(False)
        model.backbone.stages[0][1].residual = False
        return model

    case = benchmark.Case(other, lambda: small(False), True, 4, 8, 3, 0.5)
    assert benchmark.largest_difference(case, x, 'cpu') > 0.1


def test_wide_resnet_has_as_many_parameters_as_in_table_4_i():
    """36.5M; the number is that of its authors' code."""
    with torch.device('meta'):
        model = benchmark.wide_resnet()
        assert model(torch.empty(2, 3, 32, 32)).shape == (2, 10)
    assert sum(p.numel() for p in model.parameters()) == 36_479_194
    convs = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size[0] == 3]
    assert len(convs) == 25  # 28 with the shortcuts


@pytest.mark.slow
def test_one_training_has_one_memory():
    """GUNN-15 is a side of two comparisons; at a smaller batch than the document's."""
    plain = benchmark.compare('gunn15', batch=16, rounds=3, device='cpu')
    other = benchmark.compare('wide_resnet', batch=16, rounds=3, device='cpu')
    for key in ('training_peak_mib', 'training_step_peak_mib'):
        assert plain[key]['ours'] == pytest.approx(other[key]['ours'], rel=0.05)
    assert plain['training_step_peak_mib']['ours_to_reference'] <= 0.35
    assert plain['gradient_difference'] < 1e-5


@pytest.mark.gpu
def test_memory_on_a_gpu_is_that_of_its_allocator():
    torch.cuda.reset_peak_memory_stats()
    result = benchmark.memory('gunn15', 'ours', batch=4, rounds=1, device='cuda')
    assert result['training_peak_mib'] <= torch.cuda.max_memory_allocated() / 2**20
    parameters = 1_585_746 * 4 / 2**20
    # Weights and momentum stay; a step needs their gradients at least.
    assert result['training_peak_mib'] > 3 * parameters
    assert parameters < result['training_step_peak_mib'] < result['training_peak_mib']


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_no_gpu():
    with pytest.raises(UserError, match='sees no GPU'):
        benchmark.main(['--device', 'cuda'])
