import json

import numpy as np
import pytest
import torch

from mmvisx.models.clusterers import DEC, StackedAutoencoder
from tests.helpers.loggers import forget_loggers
from tools.benchmarks import embedded_clustering as benchmark
from tools.benchmarks import embedded_clustering_bare as bare
from tools.benchmarks import embedded_clustering_memory as weights

NARROW = (784, 6, 5, 8, 3)
SMALL = {'points': 600, 'digits': 600, 'graph': 250, 'block': 1, 'rounds': 1, 'texts': 40}


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Of a step's parts only the widths are small."""
    plain = benchmark.runner_of

    def runner_of(kind, data, folder, options):
        forget_loggers()
        name = 'model.channels' if kind == 'autoencoder' else 'model.encoder.channels'
        options = {**options, name: NARROW}
        return plain(kind, data, folder, options | ({'model.channels': 3} if kind == 'dec' else {}))

    for module in (benchmark, bare):
        monkeypatch.setattr(module, 'CHANNELS', NARROW)
    monkeypatch.setattr(benchmark, 'runner_of', runner_of)
    monkeypatch.setattr(weights, 'ITERATIONS', 2)


def test_measures_all_costs(tmp_path, monkeypatch, capsys):
    # A training of so many points holds 300 bytes of each and what is always there.
    held = {'given': lambda n: 5 + 300 * n / 2**20, 'k-means': lambda n: 7 + 160 * n / 2**20}
    asked = []

    def alone(what, count):
        asked.append((what, count))
        return dict(mebibytes=held[what](count)) if what in held else dict(rows=count)

    monkeypatch.setattr(benchmark, 'alone', alone)
    options = [text for key, value in SMALL.items() for text in (f'--{key}', str(value))]
    out = tmp_path / 'new' / 'numbers.json'
    benchmark.main([*options, '--out', str(out)])
    result = json.loads(out.read_text())['result']
    assert set(result) == {'steps', 'refresh', 'memory', 'texts', 'spectral'}
    stages = ['pair 1', 'pair 2', 'pair 3', 'pair 4', 'whole', 'DEC']
    assert all(result['steps'][name]['ours_to_reference'] > 0 for name in stages)
    shares = list(result['refresh']['share_of_renewals'].values())
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == 9
    assert result['memory']['given']['bytes_a_point'] == 300
    assert result['memory']['k-means']['ratio'] == 1
    assert result['memory']['given']['furthest_from_the_line'] == 0
    assert result['texts']['rows'] == 40
    assert result['spectral']['SEC 1e+08']['ours'] > 0
    assert ('given', 1_000_000) in asked
    # One part again: the others stay
    before = out.read_text()
    benchmark.main([*options, '--out', str(out), '--only', 'texts'])
    assert json.loads(out.read_text())['result'].keys() == json.loads(before)['result'].keys()


def same(theirs, ours):
    """Give a bare network the weights of ours, which are in the same order."""
    with torch.no_grad():
        for one, other in zip(theirs, ours, strict=True):
            one.copy_(other)


def test_the_bare_loops_learn_the_same(monkeypatch):
    """Otherwise the ratios say nothing."""
    nets = []
    monkeypatch.setattr(bare, 'SGD', lambda groups, **kwargs: nets.append(groups))
    monkeypatch.setattr(bare, 'bare_step', lambda points, net, loss: (net, loss))
    x = torch.rand(256, 784)
    model = StackedAutoencoder(NARROW, dropout=0.0)
    model.init_weights()
    net, loss = bare.bare_whole(300)
    same(net.parameters(), [*model.encoder.parameters(), *_turned(model.decoder)])
    assert loss(slice(0, 256), x).item() == pytest.approx(model(x, mode='loss')['loss'].item())
    for pair in range(4):
        model.pair = pair
        net, loss = bare.bare_pair(300, pair)
        layers = (model.encoder.layers[pair], model.decoder[pair])
        same(net.parameters(), [p for layer in layers for p in layer.parameters()])
        h = model.encoder(x, pair).detach()
        expected = model.eval()(h, mode='loss')['loss'].item()
        net.eval()
        assert loss(slice(0, 256), h).item() == pytest.approx(expected)


def _turned(decoder):
    return [p for layer in reversed(decoder) for p in layer.parameters()]


def test_the_bare_clustering_learns_the_same(monkeypatch):
    monkeypatch.setattr(bare, 'bare_step', lambda points, net, loss: (net, loss))
    net, loss = bare.bare_dec(300)
    encoder = dict(type='mmvisx.StackedEncoder', channels=NARROW)
    model = DEC(encoder, bare.CLUSTERS, NARROW[-1])
    model.centroids.data.normal_()
    same([*net.encoder.parameters(), net.centroids], [*model.encoder.parameters(), model.centroids])
    p = dict(zip(loss.__code__.co_freevars, loss.__closure__, strict=True))['p'].cell_contents
    model.targets = p
    x = torch.rand(256, 784)
    expected = model(x, torch.arange(256), mode='loss')['loss'].item()
    assert loss(slice(0, 256), x).item() == pytest.approx(expected, rel=1e-4)


def test_memory_of_a_training():
    weights.hold(1000, True)  # what a first training loads
    forget_loggers()
    few = weights.hold(1000, True)['mebibytes']
    forget_loggers()  # both trainings may begin in one second
    many = weights.hold(60_000, True)['mebibytes']
    # q, its targets and the old ones are 120 bytes a point, codes would be 40 more
    assert 100 < (many - few) * 2**20 / 59_000 < 250


def test_texts():
    found = weights.cluster_texts(64)
    assert found['stored'] == 64 * 20
    assert found['peak_megabytes'] > 100  # with PyTorch in it
    assert np.isfinite(list(found['processor_seconds'].values())).all()
