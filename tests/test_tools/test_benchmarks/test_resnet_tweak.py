import json

from tools.benchmarks import resnet_tweak as benchmark


def test_times_all_variants_and_writes_the_numbers(tmp_path, capsys):
    out = tmp_path / 'new' / 'numbers.json'
    arguments = ['--depth', '18', '--size', '32', '--batch', '2', '--rounds', '2', '--warmup', '1']
    arguments += ['--variants', 'd', 'a', '--amp', '--out', str(out)]
    assert benchmark.main(arguments) == 0
    content = json.loads(out.read_text())
    result = content['result']
    assert list(result['images_per_second']) == ['a', 'b', 'd']
    assert all(rate > 0 for rate in result['images_per_second'].values())
    assert result['percent_below_b']['b'] == 0
    assert content['options']['amp']
    assert 'ResNet-18-D' in capsys.readouterr().out


def test_a_step_trains():
    trainee = benchmark.Trainee('d', 18, 'cpu', amp=False)
    before = [p.clone() for p in trainee.parameters]
    images = benchmark.torch.randn(2, 3, 32, 32)
    assert trainee.step(images, benchmark.torch.tensor([1, 2])) > 0
    assert all((a != b).any() for a, b in zip(before, trainee.parameters, strict=True))
