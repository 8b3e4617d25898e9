"""Co-training on a GPU: views on different devices, and float16."""

import copy

import pytest
import torch
from mmengine.optim import AmpOptimWrapper

from tests.helpers.co_training import batch_of, co_training, convolutional

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]


@pytest.mark.parametrize('attack', ['fgsm', 'shared'])
def test_a_view_on_the_gpu_and_one_on_the_cpu_learn_alike(attack):
    plain = co_training(2, view=convolutional(), attack=attack)
    spread = co_training(2, view=convolutional(), attack=attack, devices=['cuda:0', 'cpu']).cuda()
    for model in (plain, spread):
        model.init_weights()
    spread.load_state_dict(copy.deepcopy(plain.state_dict()))
    assert [next(v.parameters()).device.type for v in spread.views] == ['cuda', 'cpu']
    images, samples = batch_of(size=8)
    one = plain.loss(images, samples)
    other = spread.loss(images.cuda(), [sample.to('cuda') for sample in samples])
    for name, value in one.items():
        torch.testing.assert_close(other[name].cpu(), value, rtol=1e-9, atol=1e-9)
    sum(value for name, value in other.items() if name.startswith('loss')).backward()
    assert all(p.grad.device == p.device for p in spread.parameters())


@pytest.mark.parametrize('attack', ['fgsm', 'shared'])
def test_steps_in_float16_on_a_gpu(attack):
    model = co_training(view=convolutional(), attack=attack).float().cuda()
    optim = AmpOptimWrapper(
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01), loss_scale='dynamic'
    )
    images, samples = batch_of(size=8)
    images, samples = images.float().cuda(), [sample.to('cuda') for sample in samples]
    before = [p.detach().clone() for p in model.parameters()]
    for _ in range(20):  # the first ones find the scale
        with optim.optim_context(model):
            losses = model.loss(images, samples)
        assert losses['unmoved'] < 0.01
        optim.update_params(sum(v for name, v in losses.items() if name.startswith('loss')))
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
