"""A training step of the small Stacked U-Net on a GPU against the CPU."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmvisx.registry import MODELS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device'),
]


def test_training_step_equals_the_cpu(repo):
    cfg = Config.fromfile(repo / 'configs/stacked_unet/sunet_nano_shapes.py')
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.double().train()
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0  # the devices draw different random numbers
    x = torch.randn(2, 3, 96, 80, dtype=torch.float64)
    labels = torch.randint(0, 7, (2, 1, 96, 80))
    results = []
    for device in ('cpu', 'cuda'):
        twin = copy.deepcopy(model).to(device)
        samples = []
        for label in labels:
            sample = SegDataSample(metainfo=dict(img_shape=(96, 80)))
            sample.gt_sem_seg = PixelData(data=label.to(device))
            samples.append(sample)
        terms = twin.loss(x.to(device), samples)
        total, _ = twin.parse_losses(terms)
        total.backward()
        torch.optim.SGD(twin.parameters(), lr=0.01).step()
        results.append(
            (total.detach().cpu(), {name: value.cpu() for name, value in twin.state_dict().items()})
        )
    torch.testing.assert_close(results[1], results[0], rtol=1e-7, atol=1e-8)
    kernels = {name: p for name, p in model.named_parameters() if p.dim() == 4}
    assert kernels
    assert all(not torch.equal(p, results[1][1][name]) for name, p in kernels.items())
