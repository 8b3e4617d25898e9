"""The ramp against the printed numbers."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmvisx.engine.hooks import CoTrainingRampHook
from mmvisx.engine.hooks.co_training_ramp import ramp
from mmvisx.utils import UserError


@pytest.mark.parametrize(
    ('epoch', 'factor'),
    [(1, 0.0076), (20, 0.0601), (40, 0.2865), (60, 0.7316), (80, 1), (81, 1), (600, 1)],
)
def test_factors(epoch, factor):
    assert ramp(epoch, 80) == pytest.approx(factor, abs=5e-5)
    model = nn.Identity()
    model.ramp = 1.0
    hook = CoTrainingRampHook()
    runner = SimpleNamespace(model=model, epoch=epoch - 1)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    assert model.ramp == ramp(epoch, 80)


def test_models_without_a_ramp():
    with pytest.raises(UserError, match=r'Identity has no weights that rise'):
        CoTrainingRampHook().before_train(SimpleNamespace(model=nn.Identity()))
    with pytest.raises(UserError, match='epochs=0'):
        CoTrainingRampHook(0)
