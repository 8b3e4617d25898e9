"""Fused networks compute what they did; nothing is standardised any more."""

import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn

from mmvisx.models.backbones import DetectoRSResNet
from mmvisx.models.layers import ConvAWS2d, SwitchableAtrousConv2d
from mmvisx.models.layers.detectors_sac_fused import FusedSwitchableAtrousConv2d
from mmvisx.models.necks import RecursiveFeaturePyramid
from mmvisx.surgery import fuse_for_inference
from mmvisx.utils import UserError


def shake(model):
    """Make every path live and every statistic differ from its start."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype))
        for name, tensor in model.named_buffers():
            if name.endswith('running_var'):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            elif name.endswith('running_mean'):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return model.eval()


def compare(model, x):
    """Check a model against its fused self, in float64; return the latter."""
    shake(model.double())
    x = x.double()
    with torch.no_grad():
        before = model(x)
        fused = fuse_for_inference(model)
        after = fused(x)
    if isinstance(before, torch.Tensor):
        before, after = (before,), (after,)
    for a, b in zip(before, after, strict=True):
        assert (a - b).norm() <= 1e-9 * a.norm()
    return fused


VARIANTS = {
    'deform': dict(use_deform=True),
    'plain': dict(),
    'no context': dict(use_deform=True, global_context=False),
    'no context, bias': dict(global_context=False, bias=True),
    'no locking, dual': dict(use_deform=True, lock_weights=False, switch='dual'),
    'grouped, stride': dict(groups=2, stride=2, bias=True),
}


@pytest.mark.parametrize('options', VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize('norm', [True, False])
def test_sac(options, norm):
    options = {'bias': False, **options}
    sac = SwitchableAtrousConv2d(4, 6, 3, padding=1, **options)
    layers = [sac, nn.BatchNorm2d(6)] if norm else [sac]
    fused = compare(nn.Sequential(*layers), torch.randn(2, 4, 9, 8))
    assert type(fused[0]) is FusedSwitchableAtrousConv2d
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
    assert not any(p.requires_grad for p in fused.parameters())


def test_a_channel_that_its_norm_switches_off():
    model = nn.Sequential(
        SwitchableAtrousConv2d(4, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
    ).eval()
    with torch.no_grad():
        model[1].weight[2] = 0
        model[1].bias[2] = 0.25
        model[0].post_context.weight.normal_()
        x = torch.randn(1, 4, 8, 8)
        before = model(x)
        after = fuse_for_inference(model)(x)
    assert after.isfinite().all()
    assert (after - before).abs().max() < 1e-5
    assert (after[:, 2] - 0.25).abs().max() < 1e-6


def test_standardised_convolution_becomes_a_plain_one():
    model = nn.Sequential(ConvAWS2d(4, 6, 3, bias=True), nn.BatchNorm2d(6), nn.ReLU())
    fused = compare(model, torch.randn(2, 4, 9, 8))
    assert type(fused[0]) is nn.Conv2d
    assert isinstance(fused[1], nn.Identity)
    lone = ConvAWS2d(4, 6, 3).eval()
    assert type(fuse_for_inference(lone)) is nn.Conv2d


DETECTORS = dict(
    depth=14,
    base_channels=4,
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
)


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = DetectoRSResNet(output_img=True, **DETECTORS)
        self.neck = RecursiveFeaturePyramid(
            in_channels=[16, 32, 64, 128],
            out_channels=8,
            num_outs=5,
            aspp_out_channels=2,
            rfp_backbone=dict(type='mmvisx.DetectoRSResNet', rfp_inplanes=8, **DETECTORS),
        )

    def forward(self, x):
        return self.neck(self.backbone(x))


def test_backbone_and_neck(monkeypatch):
    fused = compare(Features(), torch.randn(1, 3, 64, 96))
    kinds = [type(m) for m in fused.modules()]
    assert ConvAWS2d not in kinds
    assert nn.BatchNorm2d not in kinds
    assert kinds.count(FusedSwitchableAtrousConv2d) == 6

    def never(self):
        raise AssertionError('a weight is standardised')

    monkeypatch.setattr(ConvAWS2d, 'standardized_weight', never)
    with torch.no_grad():
        once = fused(torch.ones(1, 3, 64, 64).double())
        again = fuse_for_inference(fused)(torch.ones(1, 3, 64, 64).double())
    assert all(a.equal(b) for a, b in zip(once, again, strict=True))


def test_a_network_without_standardisation():
    fused = compare(ResNet(18), torch.randn(1, 3, 64, 64))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())


def test_training_mode():
    with pytest.raises(UserError, match=r'call model\.eval'):
        fuse_for_inference(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)))
