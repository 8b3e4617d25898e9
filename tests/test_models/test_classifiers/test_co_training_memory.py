"""What a step of several pairs of views keeps in memory."""

import weakref

import pytest
import torch

from mmvisx.ops.co_training_bundles import split_bundles
from mmvisx.utils import UserError
from tests.helpers.co_training import batch_of, co_training, convolutional


class Held:
    """What a graph keeps for the backward pass."""

    def __init__(self, tensor):
        self.tensor = tensor


def held_before(model, view, images, samples):
    """Bytes that graphs keep when a view goes forward for the first time, and the losses."""
    held, found = weakref.WeakSet(), []

    def pack(tensor):
        held.add(one := Held(tensor.detach()))  # an output would hold its own graph
        return one

    handle = model.views[view].backbone.register_forward_pre_hook(
        lambda *_: found.append(sum(one.tensor.nbytes for one in held))
    )
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one.tensor):
        losses = model.loss(images, samples)
    handle.remove()
    return found[0], losses


@pytest.mark.parametrize('attack', ['fgsm', 'shared'])
def test_a_pair_is_differentiated_before_the_next_goes_forward(attack):
    options = dict(view=convolutional(), real=False, attack=attack)
    model, joint = co_training(4, **options), co_training(4, **options)
    images, samples = batch_of(2, size=8)
    held, losses = held_before(model, 2, images, samples)
    assert held == sum(p.nbytes for view in model.views[:2] for p in view.parameters())
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    labels = torch.cat([sample.gt_label for sample in samples])
    terms = []
    for k, bundle in enumerate(split_bundles(images, labels, 2)):
        terms.append(joint.pair_terms(*joint.views[2 * k : 2 * k + 2], *bundle))
    sum(t['sup'] + 10 * t['cot'] + 0.5 * t['dif'] for t in terms).backward()
    for one, other in zip(model.parameters(), joint.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_in_float16_all_pairs_wait_for_the_scaled_loss():
    images, samples = batch_of(2, size=8)
    for dtype in (torch.bfloat16, torch.float16):
        model = co_training(4, view=convolutional(), real=False).float()
        with torch.autocast('cpu', dtype):
            held, losses = held_before(model, 2, images.float(), samples)
        gradients = sum(p.nbytes for view in model.views[:2] for p in view.parameters())
        # One loss alone has a gradient only where there is a graph of it
        if dtype == torch.float16:
            assert held != gradients
            losses['loss_cot'].backward()
            assert all(p.grad.isfinite().all() for p in model.parameters())
        else:
            assert held == gradients
            with pytest.raises(UserError, match='several pairs of views, weighted by'):
                losses['loss_cot'].backward()
