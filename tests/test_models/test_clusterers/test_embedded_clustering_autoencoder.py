"""The stacked autoencoder against plain matrices, pair by pair and as a whole."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from mmvisx.models.clusterers import StackedAutoencoder, StackedEncoder
from mmvisx.utils import UserError

CHANNELS = (6, 5, 7, 2)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = StackedAutoencoder(CHANNELS, init_cfg=dict(type='Normal', layer='Linear', std=0.7))
    model.init_weights()
    for part in model.modules():
        if isinstance(part, torch.nn.Linear):
            part.bias.data.normal_()
    return model.double()


@pytest.fixture
def points():
    return torch.randn(11, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def numbers(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def by_hand(model, x, pairs):
    """Encode and decode with NumPy: ReLU but after the last encoder and the first decoder."""
    for i in pairs:
        weight, bias = numbers(model.encoder.layers[i])
        x = x @ weight.T + bias
        if i != len(CHANNELS) - 2:
            x = np.maximum(x, 0)
    for i in reversed(pairs):
        weight, bias = numbers(model.decoder[i])
        x = x @ weight.T + bias
        if i != 0:
            x = np.maximum(x, 0)
    return x


def test_the_whole_equals_matrices(model, points):
    x = points.numpy()
    rebuilt = by_hand(model, x, [0, 1, 2])
    np.testing.assert_allclose(model.rebuild(points).detach(), rebuilt, rtol=1e-12)
    # Half the mean over points and values; nothing is dropped out
    loss = model.train()(points, mode='loss')['loss'].item()
    assert loss == pytest.approx(0.5 * ((rebuilt - x) ** 2).sum() / (11 * 6), rel=1e-12)


@pytest.mark.parametrize('pair', [0, 1, 2])
def test_a_pair_equals_matrices(model, points, pair):
    x = model.encoder(points, pair).detach()
    model.pair = pair
    expected = by_hand(model, x.numpy(), [pair])
    np.testing.assert_allclose(model.eval().rebuild_pair(x).detach(), expected, rtol=1e-12)
    model.dropout = 0.0
    loss = model.train()(x, mode='loss')['loss'].item()
    assert loss == pytest.approx(0.5 * ((expected - x.numpy()) ** 2).mean(), rel=1e-12)


# Eq. 3.6 and 3.8: the data is not dropped out, nor is the last pair's hidden layer, the code
@pytest.mark.parametrize(
    ('pair', 'seen'), [(0, (False, True)), (1, (True, True)), (2, (True, False))]
)
def test_what_is_dropped_out(model, points, pair, seen, monkeypatch):
    kept = []
    monkeypatch.setattr(model, '_drop', lambda x: kept.append(x.shape[1]) or x)
    model.pair = pair
    model.train().rebuild_pair(model.encoder(points, pair))
    widths = [w for w, dropped in zip(CHANNELS[pair : pair + 2], seen, strict=True) if dropped]
    assert kept == widths


def test_dropout_keeps_the_mean_and_drops_a_fifth(model):
    torch.manual_seed(0)
    dropped = model.train()._drop(torch.ones(200_000))
    assert (dropped == 0).double().mean().item() == pytest.approx(0.2, abs=0.005)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1.25])
    assert model.eval()._drop(torch.ones(9)).tolist() == [1.0] * 9


def test_weights_of_the_document():
    model = StackedAutoencoder()
    model.init_weights()
    widths = (784, 500, 500, 2000, 10)
    assert sum(p.numel() for p in model.encoder.parameters()) == sum(
        (n + 1) * m for n, m in pairwise(widths)
    )
    for layer in (*model.encoder.layers, *model.decoder):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ('kwargs', 'names'),
    [
        (dict(channels=(5,)), r'channels=\(5,\)'),
        (dict(channels=(5, 0)), r'channels=\(5, 0\)'),
        (dict(dropout=1.0), 'dropout=1.0'),
    ],
)
def test_bad_arguments(kwargs, names):
    with pytest.raises(UserError, match=names):
        StackedAutoencoder(**kwargs)


def test_another_networks_checkpoint_is_refused(tmp_path):
    other = StackedAutoencoder((6, 4, 7, 2))
    torch.save(dict(state_dict=other.state_dict()), tmp_path / 'other.pth')
    cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'other.pth'), prefix='encoder.')
    with pytest.raises(UserError, match='StackedEncoder'):
        StackedEncoder(CHANNELS, init_cfg=cfg).init_weights()
    torch.save(dict(state_dict=StackedAutoencoder(CHANNELS).state_dict()), tmp_path / 'other.pth')
    StackedEncoder(CHANNELS, init_cfg=cfg).init_weights()
