import json

import pytest
import torch

from tools.benchmarks import co_training as benchmark

SMALL = {'width': 1 / 16, 'batch': 12, 'labelled': 2, 'side': 16, 'rounds': 2, 'interval': 20}


def options(**changed):
    return [text for key, value in (SMALL | changed).items() for text in (f'--{key}', str(value))]


def test_measures_all_costs(tmp_path, capsys):
    out = tmp_path / 'new' / 'numbers.json'
    assert benchmark.main([*options(), '--out', str(out)]) == 0
    result = json.loads(out.read_text())['result']
    for name in ('two_views', 'shared', 'two_views_without_difference', 'four_views'):
        assert result[name]['ours_to_reference'] > 0
    assert result['memory']['reference'] > 0
    monitor = result['monitor']
    assert monitor['share'] == pytest.approx(monitor['ours_to_reference'] / 20, abs=1e-4)
    assert 0 < result['data']['share'] < 1
    assert 'four_views: ' in capsys.readouterr().out


def test_both_sides_train_on_as_many_images():
    torch.manual_seed(0)
    benchmark.register_all_modules()
    args = benchmark.parse(options())
    costs = benchmark.Costs(args)
    for views in (2, 4):
        model = costs.model(views)
        seen = [[] for _ in model.views]
        for view, own in zip(model.views, seen, strict=True):
            view.backbone.register_forward_hook(
                lambda module, inputs, _, own=own: own.append(len(inputs[0]))
            )
        costs.step(model)()
        assert seen == [[12, 12, 12]] * views  # attack, clean, adversarial
        costs.plain(model.views)()
        assert [own[3:] for own in seen] == [[12]] * views
        assert all(p.grad is None for p in model.parameters())
