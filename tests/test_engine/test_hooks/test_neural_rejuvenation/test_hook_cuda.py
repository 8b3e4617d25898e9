"""A rejuvenation on a GPU: function kept, every new tensor on the device, training goes on."""

import copy

import pytest
import torch

from mmvisx.engine.hooks import NeuralRejuvenationHook
from mmvisx.surgery.neural_rejuvenation import build_channel_graph, rejuvenate, silence, utilization
from tests.helpers.neural_rejuvenation_nets import (
    IMAGES,
    NETWORKS,
    convolution_weights,
    relative,
    wither,
)
from tests.helpers.neural_rejuvenation_training import BATCHES, build_runner

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]
VARIANTS = ('NR', 'NR-CR', 'NR-CA')


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('net', NETWORKS.values(), ids=NETWORKS)
def test_function_is_kept(net, variant):
    x = torch.randn(IMAGES, dtype=torch.float64, device='cuda')
    model = wither(net()).double().cuda().eval()
    graph = build_channel_graph(model, x)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    model(x).square().sum().backward()
    optimizer.step()
    wither(model)
    reference = copy.deepcopy(model)
    silence(reference, graph, utilization(model, graph).alive)
    budget = convolution_weights(model)
    rejuvenate(model, graph, budget, variant=variant, rescale=True, optimizers=[optimizer])
    assert all(t.is_cuda for t in (*model.parameters(), *model.buffers()))
    assert convolution_weights(model) > 0.9 * budget
    with torch.no_grad():
        assert relative(model(x), reference(x)) < 1e-5
    optimizer.zero_grad()
    model.train()(x).square().sum().backward()
    optimizer.step()
    assert all(p.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize('variant', VARIANTS)
def test_event_in_a_training(tmp_path, variant):
    runner = build_runner(
        tmp_path, 'Residual', hook=dict(variant=variant, rescale=True), hooks=[dict(type='EMAHook')]
    )
    runner.train()
    hook = next(h for h in runner.hooks if isinstance(h, NeuralRejuvenationHook))
    assert hook.count == 1
    assert runner.iter >= 4 * BATCHES
    tensors = (*runner.model.parameters(), *runner.model.buffers())
    assert all(t.is_cuda and t.isfinite().all() for t in tensors)
    state = runner.optim_wrapper.optimizer.state
    assert all(s['momentum_buffer'].device == p.device for p, s in state.items())
