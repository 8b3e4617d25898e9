"""CNN-13: the published size, and what is added in training only."""

import pytest
import torch
from mmpretrain.models import build_classifier

from mmvisx.models.backbones import CNN13


def test_size_and_gradients_of_the_classifier():
    model = build_classifier(
        dict(
            type='ImageClassifier',
            backbone=dict(type='mmvisx.CNN13'),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=128),
        )
    )
    assert sum(p.numel() for p in model.parameters()) == 3_123_850
    maps = model.backbone(torch.randn(1, 3, 32, 32))
    assert [tuple(m.shape) for m in maps] == [(1, 128, 6, 6)]
    model(torch.randn(4, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize('option', ['noise', 'dropout'])
def test_noise_and_dropout_are_of_trainings(option):
    x = torch.randn(2, 3, 16, 16)
    torch.manual_seed(0)
    plain = CNN13(width=1 / 32)
    torch.manual_seed(0)
    other = CNN13(width=1 / 32, **{option: 0.3})
    assert not torch.equal(plain(x)[0], other(x)[0])
    other.load_state_dict(plain.state_dict())
    assert torch.equal(plain.eval()(x)[0], other.eval()(x)[0])
