"""DEC's modes; its mathematics is tested in test_ops/test_embedded_clustering.py."""

import pytest
import torch

from mmvisx.models.clusterers import DEC
from mmvisx.ops.embedded_clustering import student_t_assignment
from mmvisx.utils import UserError

ENCODER = dict(type='mmvisx.StackedEncoder', channels=(6, 5, 2))


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = DEC(ENCODER, num_clusters=3, channels=2)
    model.init_weights()
    model.centroids.data.normal_()
    return model


def test_modes(model):
    points, indices = torch.randn(4, 6), torch.tensor([3, 0, 1, 8])
    q = student_t_assignment(model.encoder(points), model.centroids)
    assert model(points).equal(model.encoder(points))
    (sample,) = model(points, indices, torch.arange(4), mode='predict')
    assert sample['q'].equal(q)
    assert sample['labels'].tolist() == [0, 1, 2, 3]
    assert 'labels' not in model(points, indices, mode='predict')[0]
    model.targets = torch.rand(9, 3).softmax(1)
    loss = model(points, indices, mode='loss')['loss']
    p = model.targets[indices]
    assert loss.item() == pytest.approx((p * (p / q).log()).sum().item() / 4, rel=1e-5)
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_targets_are_no_part_of_the_state_dict(model):
    before = set(model.state_dict())
    model.targets = torch.rand(9, 3)
    assert set(model.state_dict()) == before


def test_a_frozen_encoder_has_no_gradient_and_stays_in_evaluation():
    model = DEC(ENCODER, num_clusters=3, channels=2, freeze_encoder=True)
    model.centroids.data.normal_()
    model.targets = torch.rand(4, 3).softmax(1)
    assert not model.train().encoder.training
    model(torch.randn(4, 6), torch.arange(4), mode='loss')['loss'].backward()
    assert model.centroids.grad.any()
    assert all(p.grad is None for p in model.encoder.parameters())


def test_an_encoder_of_images():
    backbone = dict(type='mmvisx.FourConv', in_channels=1, channels=5)
    model = DEC(backbone, num_clusters=3, channels=5, input_shape=(1, 16, 16)).eval()
    points = torch.rand(2, 256)
    maps = model.encoder(points.reshape(2, 1, 16, 16))[-1]
    torch.testing.assert_close(model(points), maps.mean(dim=(2, 3)))


def test_without_centroids_or_targets(model):
    points = torch.randn(4, 6)
    with pytest.raises(UserError, match='no targets'):
        model(points, torch.arange(4), mode='loss')
    with pytest.raises(UserError, match='no centroids'):
        DEC(ENCODER, num_clusters=3, channels=2)(points, mode='predict')


@pytest.mark.parametrize('wrong', [dict(num_clusters=1), dict(alpha=0.0)])
def test_bad_arguments(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(UserError, match=f'{name}={value}'):
        DEC(**{'encoder': ENCODER, 'num_clusters': 3, **wrong})
