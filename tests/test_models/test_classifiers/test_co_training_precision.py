"""Co-training in half precision, and with gradients that are accumulated."""

import pytest
import torch
from mmengine.optim import OptimWrapper

from tests.helpers.co_training import batch_of, co_training, convolutional

TERMS = ('loss_sup', 'loss_cot', 'loss_dif')


def total(losses):
    return sum(losses[name] for name in TERMS)


@pytest.mark.parametrize('attack', ['fgsm', 'shared'])
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_a_step_under_autocast(dtype, attack):
    options = dict(view=convolutional(), real=False, attack=attack)
    plain, half = (co_training(**options).float() for _ in range(2))
    images, samples = batch_of(size=8)
    wanted = plain.loss(images.float(), samples)
    with torch.autocast('cpu', dtype):
        found = half.loss(images.float(), samples)
        again = half.views[0](images.float(), mode='tensor')
    assert again.dtype == dtype
    assert found['unmoved'] < 0.01
    for name in TERMS:
        # The signs of small gradients differ: adversarial examples are not the same
        tolerance = 0.15 if name == 'loss_dif' else 0.03
        torch.testing.assert_close(found[name], wanted[name], rtol=tolerance, atol=0.01)
    total(found).backward()
    assert all(p.grad.dtype == torch.float32 for p in half.parameters())
    assert all(p.grad.isfinite().all() and p.grad.any() for p in half.parameters())


def test_a_vanished_attack_is_seen():
    view = convolutional()
    model = co_training(view=view, real=False)
    torch.nn.init.zeros_(model.views[1].head.fc.weight)  # nothing of the image matters
    assert model.loss(*batch_of(size=8))['unmoved'] == 0.5


def test_accumulated_gradients_are_the_mean_of_their_steps():
    model, slow = (co_training(4, pairing_seed=8) for _ in range(2))
    batches = [batch_of(2), batch_of(2, b=2, m=5)]
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=2)
    optim.initialize_count_status(model, 0, 2)
    losses = []
    for images, samples in batches:
        before = [p.clone() for p in model.parameters()]
        with optim.optim_context(model):
            optim.update_params(total(model.loss(images, samples)))
        changed = any(
            not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)
        )
        losses.append(total(slow.loss(images, samples)))
        assert changed == (len(losses) == 2)
    assert model.steps == 2  # a new pairing in each
    wanted = torch.autograd.grad(sum(losses) / 2, list(slow.parameters()))
    for p, start, gradient in zip(model.parameters(), slow.parameters(), wanted, strict=True):
        torch.testing.assert_close(p, start - 0.1 * gradient, rtol=0, atol=1e-12)
