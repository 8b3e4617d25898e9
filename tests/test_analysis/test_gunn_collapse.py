"""Collapsed channels: planted ones are found, correlations are numpy's, errors are clear."""

import numpy as np
import pytest
import torch
from torch import nn

from mmvisx.analysis.gunn_collapse import record_correlations, select_layers
from mmvisx.analysis.gunn_collapse_correlation import ChannelCorrelation, find_collapsed_channels
from mmvisx.models.layers import GraduallyUpdated
from mmvisx.utils import UserError


def correlate(*batches):
    """Put batches into a new :class:`ChannelCorrelation`."""
    correlation = ChannelCorrelation()
    for batch in batches:
        correlation.update(batch)
    return correlation


@pytest.fixture
def activations():
    """Eight channels: 1, 4 and 6 are 0 doubled, negated and blurred; 2 and 5 are constant."""
    x = torch.randn(6, 8, 5, 7)
    x[:, 1] = 2 * x[:, 0] + 30
    x[:, 4] = -x[:, 0]
    # Correlation 1 / sqrt(1 + 0.1 ** 2) = 0.995
    x[:, 6] = x[:, 0] + 0.1 * torch.randn(6, 5, 7)
    x[:, 2], x[:, 5] = 7.3, 0
    return x


def test_planted_channels(activations):
    found = find_collapsed_channels(correlate(activations))
    assert found.channels == 8
    assert found.constant == (2, 5)
    pairs = {(i, j): value for i, j, value in found.pairs}
    assert set(pairs) == {(0, 1), (0, 4), (1, 4), (0, 6), (1, 6), (4, 6)}
    assert pairs[0, 1] == pytest.approx(1)
    assert [pairs[0, 4], pairs[1, 4]] == pytest.approx([-1, -1])
    assert pairs[0, 6] == pytest.approx(0.995, abs=2e-3)
    assert abs(found.pairs[0][2]) == found.strongest >= abs(found.pairs[-1][2])
    assert found.collapsed == (0, 1, 4, 6)
    assert found.distinct == 3  # that group, 3 and 7
    assert found.pairs_within(1) == 6
    assert found.pairs_within(2) == 2  # 0, 1 | 4, 6
    assert found.pairs_within(8) == 0


def test_threshold(activations):
    found = find_collapsed_channels(correlate(activations), threshold=0.9999)
    assert {pair[:2] for pair in found.pairs} == {(0, 1), (0, 4), (1, 4)}
    loose = find_collapsed_channels(correlate(activations), threshold=0)
    assert len(loose.pairs) == 6 * 5 // 2  # constant channels stay out of it
    for threshold in (-0.1, 1, 1.5):
        with pytest.raises(UserError, match=f'threshold={threshold}'):
            find_collapsed_channels(correlate(activations), threshold)


def test_correlations_are_numpys_whatever_the_batches():
    x = torch.randn(9, 5, 4, 3) * 10 ** torch.arange(5.0)[:, None, None]
    x = x + 0.5 * x.roll(1, dims=1) + torch.tensor([0, 1e4, -3, 8, 1e6])[:, None, None]
    expected = np.corrcoef(x.movedim(1, 0).reshape(5, -1).double().numpy())
    for parts in ([x], x.split(2), [x[:1], x[1:]]):
        assert np.abs(correlate(*parts).matrix().numpy() - expected).max() < 1e-9


def test_parts_of_a_large_batch(monkeypatch):
    x = torch.randn(7, 3, 4, 4)
    whole = correlate(x).matrix()
    monkeypatch.setattr('mmvisx.analysis.gunn_collapse_correlation._CHUNK', 100)
    assert torch.allclose(correlate(x).matrix(), whole, atol=1e-12)


def test_features_without_positions():
    x = torch.randn(50, 3)
    x[:, 2] = x[:, 0]
    assert [p[:2] for p in find_collapsed_channels(correlate(x)).pairs] == [(0, 2)]


def test_rounding_does_not_make_a_constant_vary():
    x = torch.randn(4, 3, 20, 20)
    x[:, 1] = 0.1 * 3 + torch.linspace(0, 1, 20) * 1e-8
    x[:, 2] = 1e-5 * x[:, 2]  # small, but it varies
    assert find_collapsed_channels(correlate(x)).constant == (1,)


@pytest.mark.parametrize(
    ('batches', 'message'),
    [
        ([torch.zeros(3)], 'no channels'),
        ([torch.zeros(2, 0, 3, 3)], 'no channels'),
        ([torch.zeros(2, 4, 3), torch.zeros(2, 5, 3)], '5 channels after batches of 4'),
        ([torch.full((2, 4, 3), torch.nan)], 'not a number'),
        ([torch.zeros(1, 4, 1)], 'at least 2'),
        ([], 'at least 2'),
    ],
)
def test_errors(batches, message):
    with pytest.raises(UserError, match=message):
        find_collapsed_channels(correlate(*batches))


@pytest.fixture
def network():
    """A convolution whose filters 3 and 5 are copies of 1, and a gradual layer."""
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), GraduallyUpdated(6, 2)).eval()
    with torch.no_grad():
        model[0].weight[3] = model[0].weight[1]
        model[0].weight[5] = -model[0].weight[1]
    return model


def test_records_named_layers(network):
    layers = select_layers(network, ['0', '1'])
    with record_correlations(layers) as correlations:
        for _ in range(3):
            network(torch.rand(2, 3, 8, 8))
    network(torch.rand(2, 3, 8, 8))  # no longer watched
    assert {name: c.count for name, c in correlations.items()} == {'0': 216, '1': 216}
    found = find_collapsed_channels(correlations['0'])
    assert {pair[:2] for pair in found.pairs} >= {(1, 3), (1, 5), (3, 5)}
    # Behind the ReLU the negated filter is another one, or dead.
    assert (1, 5) not in {p[:2] for p in find_collapsed_channels(correlations['1']).pairs}


def test_layers_by_default_and_by_wrong_name(network):
    assert list(select_layers(network)) == ['2']
    with pytest.raises(UserError, match='no GraduallyUpdated layer'):
        select_layers(network[:2])
    with pytest.raises(UserError, match=r"no layer '2\.unit'"):
        select_layers(network, ['2.unit'])


def test_layers_that_give_no_single_tensor():
    class Two(nn.Module):
        def forward(self, x):
            return x, x

    model = nn.Sequential(Two())
    with (
        record_correlations(select_layers(model, ['0'])),
        pytest.raises(UserError, match='layer 0'),
    ):
        model(torch.rand(2, 3))
