import json

import pytest
import torch

from tools.benchmarks import neural_rejuvenation as benchmark


def test_times_steps_and_events_and_writes_the_numbers(tmp_path):
    out = tmp_path / 'new' / 'numbers.json'
    arguments = ['--networks', 'tiny', '--rounds', '2', '--event-rounds', '2', '--warm-up', '1']
    assert benchmark.main([*arguments, '--out', str(out)]) == 0
    content = json.loads(out.read_text())
    assert content['clock'] in ('process', 'wall')
    result = content['results']['tiny']
    steps = result['steps']
    assert steps['ours'] > 0
    assert steps['percent_slower'] == pytest.approx(100 * (steps['ours_to_reference'] - 1))
    assert [e['variant'] for e in result['events']] == [
        'NR',
        'NR-BR',
        'NR-CR',
        'NR-CR-BR',
        'NR-CA',
        'NR-CA-BR',
    ]
    for event in result['events']:
        assert event['event_seconds'] > 0
        assert event['utilization'] < 1
        assert 0.98 <= event['cost_to_target'] <= 1
        ratio = event['step_after']['ours_to_reference']
        # 90 epochs of the new network after 10 of the old one
        longer = 100 * ((10 + 90 * ratio) / 90 - 1)
        assert event['percent_longer_training']['10'] == pytest.approx(longer, abs=0.1)


def test_both_sides_are_the_same_training_and_ours_has_the_penalty(tmp_path):
    hook = dict(type='mmvisx.NeuralRejuvenationHook', fixed_lambda=10.0)
    ours = benchmark.Training('tiny', str(tmp_path / 'a'), hook)
    other = benchmark.Training('tiny', str(tmp_path / 'b'))
    start = {k: v.clone() for k, v in other.runner.model.named_parameters()}
    for name, parameter in ours.runner.model.named_parameters():
        assert torch.equal(parameter, start[name])
    pairs = ours.steps(other, rounds=1, warm_up=0)
    assert len(pairs) == 1
    free = 'backbone.layer1.0.bn1.weight'
    step = (
        dict(other.runner.model.named_parameters())[free]
        - dict(ours.runner.model.named_parameters())[free]
    )
    assert step.detach().mean().item() == pytest.approx(0.01 * 10, rel=0.05)
