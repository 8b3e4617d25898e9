import pytest
import torch
from torch import nn

from mmvisx.ops.co_training_gradients import differentiated, is_scaled_later
from mmvisx.utils import UserError


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))


def losses_of(net, x):
    scores = net(x)
    return [scores.logsumexp(1).mean(), scores.square().sum()]


@pytest.mark.parametrize('factor', [1.0, 0.3, 2.0**16])
def test_gives_the_gradient_of_a_later_backward_pass(factor):
    net, slow, x = network().double(), network().double(), torch.randn(6, 5).double()
    plain = losses_of(slow, x)
    found = differentiated(losses_of(net, x), list(net.parameters()))
    assert [loss.item() for loss in found] == [loss.item() for loss in plain]
    (factor * sum(found)).backward()
    (factor * sum(plain)).backward()
    for one, other in zip(net.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=0)
        assert factor == 0.3 or torch.equal(one.grad, other.grad)


def test_weights_without_influence_get_no_gradient():
    net, other = network(), nn.Linear(2, 2)
    found = differentiated(
        losses_of(net, torch.randn(6, 5)), [*other.parameters(), *net[2:].parameters()]
    )
    sum(found).backward()
    assert [p.grad is None for p in net.parameters()] == [True, True, False, False]
    assert all(p.grad is None for p in other.parameters())


def test_losses_weighted_differently_are_refused():
    net = network()
    one, two = differentiated(losses_of(net, torch.randn(6, 5)), list(net.parameters()))
    with pytest.raises(UserError, match=r'weighted by \[1\.0, 3\.0\]: .*the same weight'):
        (one + 3 * two).backward()
    one, two = differentiated(losses_of(net, torch.randn(6, 5)), list(net.parameters()))
    with pytest.raises(UserError, match=r'weighted by \[0\.0, 1\.0\]'):
        two.backward()
    assert all(p.grad is None for p in net.parameters())


def test_under_autocast_as_after_it():
    net, slow, x = network(), network(), torch.randn(6, 5)

    def losses(net):
        with torch.autocast('cpu', enabled=False):  # a part that the backward has in float32, too
            exact = (net[2](net[0](x))).square().mean()
        return [*losses_of(net, x), exact]

    with torch.autocast('cpu', torch.bfloat16):
        found = differentiated(losses(net), list(net.parameters()))
        plain = losses(slow)
    sum(found).backward()
    sum(plain).backward()
    for one, other in zip(net.parameters(), slow.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_only_float16_is_scaled_later():
    weights = list(network().parameters())
    assert not is_scaled_later(weights)
    with torch.autocast('cpu', torch.bfloat16):
        assert not is_scaled_later(weights)
    with torch.autocast('cpu', torch.float16):
        assert is_scaled_later(weights)
    with torch.autocast('cpu', torch.float16, enabled=False):
        assert not is_scaled_later(weights)
