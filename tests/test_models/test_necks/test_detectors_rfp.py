"""Recursive Feature Pyramid: plain at first, unrolled by hand, its switches, errors."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.necks import FPN

from mmvisx.models.backbones import DetectoRSResNet
from mmvisx.models.layers import NonFiniteOffsetError
from mmvisx.models.necks import RecursiveFeaturePyramid

CHANNELS = 16
STAGES = [32, 64, 128, 256]


def backbone_config(**options):
    """Return the config of a small backbone without its type."""
    base = dict(
        depth=14,
        base_channels=8,
        stem_channels=8,
        norm_eval=False,
        conv_cfg=dict(type='mmvisx.ConvAWS2d'),
        sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
    )
    return base | options


def build(steps=2, sharing=False, **options):
    """Return a detector's backbone and its neck."""
    neck = dict(
        in_channels=STAGES, out_channels=CHANNELS, num_outs=5, aspp_out_channels=CHANNELS // 4
    )
    if sharing:
        backbone = DetectoRSResNet(**backbone_config(rfp_sharing=True, rfp_inplanes=CHANNELS))
    else:
        backbone = DetectoRSResNet(**backbone_config(output_img=True))
        if steps > 1:
            options['rfp_backbone'] = dict(
                type='mmvisx.DetectoRSResNet', **backbone_config(rfp_inplanes=CHANNELS)
            )
    neck = RecursiveFeaturePyramid(rfp_steps=steps, rfp_sharing=sharing, **neck, **options)
    return backbone, neck


def make_live(*models, scale=0.05):
    """Initialise, then move the parameters that start at zero."""
    for model in models:
        model.init_weights()
        with torch.no_grad():
            for parameter in model.parameters():
                if not parameter.any():
                    parameter.normal_(0, scale)
        model.eval()


def plain_fpn(neck):
    """Return mmdet's FPN with the pyramid's weights."""
    fpn = FPN(in_channels=STAGES, out_channels=CHANNELS, num_outs=5)
    fpn.to(neck.lateral_convs[0].conv.weight.dtype)
    keys = fpn.load_state_dict(neck.state_dict(), strict=False)
    assert not keys.missing_keys
    return fpn.eval()


def aspp_by_hand(neck, x):
    """Compute the connecting module from its description (6.3.3)."""
    a, b, c, pooled = neck.rfp_aspp.aspp
    outs = [
        F.conv2d(x, a.weight, a.bias),
        F.conv2d(x, b.weight, b.bias, padding=3, dilation=3),
        F.conv2d(x, c.weight, c.bias, padding=6, dilation=6),
    ]
    context = F.conv2d(F.adaptive_avg_pool2d(x, 1), pooled.weight, pooled.bias)
    outs.append(context.expand(-1, -1, *x.shape[-2:]))
    return torch.cat([out.relu() for out in outs], 1)


def fuse_by_hand(neck, new, old):
    """Compute the fusion module from its description (6.3.4)."""
    fused = []
    for n, o in zip(new, old, strict=True):
        sigma = torch.sigmoid(F.conv2d(n, neck.rfp_weight.weight, neck.rfp_weight.bias))
        fused.append(sigma * n + (1 - sigma) * o)
    return fused


def unroll(backbone, neck, x, run_again, steps, aspp=True, fusion=True):
    """Run the steps of Eq. 6.3 one by one."""
    fpn = plain_fpn(neck)
    pyramid = fpn(tuple(backbone(x)[1:]))
    for step in range(steps - 1):
        feedback = [aspp_by_hand(neck, f) if aspp else f for f in pyramid[:4]]
        new = fpn(run_again(step)(x, feedback))
        pyramid = fuse_by_hand(neck, new, pyramid) if fusion else new
    return pyramid


def assert_same(found, expected):
    assert len(found) == len(expected) == 5
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('steps', [2, 3])
@pytest.mark.parametrize('aspp', [True, False])
@pytest.mark.parametrize('fusion', [True, False])
@torch.no_grad()
def test_equals_the_unrolled_steps(steps, aspp, fusion):
    backbone, neck = build(steps, aspp=aspp, fusion=fusion)
    make_live(backbone, neck)
    assert (neck.rfp_aspp is not None, neck.rfp_weight is not None) == (aspp, fusion)
    assert len(neck.rfp_modules) == steps - 1
    x = torch.randn(1, 3, 64, 96)
    expected = unroll(
        backbone, neck, x, lambda step: neck.rfp_modules[step].rfp_forward, steps, aspp, fusion
    )
    found = neck(backbone(x))
    assert_same(found, expected)
    plain = plain_fpn(neck)(tuple(backbone(x)[1:]))
    assert (found[0] - plain[0]).norm() > 1e-3 * plain[0].norm()


@pytest.mark.parametrize('steps', [2, 3])
@torch.no_grad()
def test_sharing_runs_the_same_backbone_again(steps):
    backbone, neck = build(steps, sharing=True)
    make_live(backbone, neck)
    assert len(neck.rfp_modules) == 0
    x = torch.randn(1, 3, 64, 96)
    expected = unroll(backbone, neck, x, lambda step: backbone.rfp_forward, steps)
    runs = dict.fromkeys(('conv1', 'layer1.0', 'layer2.0', 'layer4.0'), 0)
    for name in runs:
        backbone.get_submodule(name).register_forward_hook(
            lambda *_, name=name: runs.update({name: runs[name] + 1})
        )
    assert_same(neck(backbone(x)), expected)
    # Stem and first stage do not see the feedback.
    assert runs == {'conv1': 1, 'layer1.0': 1, 'layer2.0': steps, 'layer4.0': steps}


def test_sharing_gives_gradients_from_all_steps():
    backbone, neck = build(sharing=True)
    make_live(backbone, neck)
    backbone.double()
    neck.double()
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    outs = neck(backbone(x))
    probes = [torch.randn_like(out) for out in outs]
    expected = unroll(backbone, neck, x, lambda step: backbone.rfp_forward, 2)
    names, parameters = zip(*backbone.named_parameters(), strict=True)
    found, expected = (
        torch.autograd.grad(
            sum((out * probe).sum() for out, probe in zip(result, probes, strict=True)),
            parameters,
            retain_graph=True,
        )
        for result in (outs, expected)
    )
    for name, a, b in zip(names, found, expected, strict=True):
        assert a.any(), name
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8, msg=name)
    sum(out.square().mean() for out in outs).backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


@torch.no_grad()
def test_one_step_is_a_plain_fpn():
    backbone, neck = build(1)
    make_live(backbone, neck)
    assert set(neck.state_dict()) == set(plain_fpn(neck).state_dict())
    outs = backbone(torch.randn(1, 3, 64, 64))
    for a, b in zip(neck(outs), plain_fpn(neck)(tuple(outs[1:])), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize('steps', [2, 3])
@torch.no_grad()
def test_starts_as_the_plain_fpn(steps):
    backbone, neck = build(steps)
    backbone.init_weights()
    neck.init_weights()
    # As after loading the same pretrained weights everywhere.
    for module in neck.rfp_modules:
        assert all(
            'rfp_conv' in k
            for k in module.load_state_dict(backbone.state_dict(), strict=False).missing_keys
        )
    backbone.eval()
    neck.eval()
    outs = backbone(torch.randn(1, 3, 64, 96))
    plain = plain_fpn(neck)(tuple(outs[1:]))
    feedback = neck._feedback(plain)
    assert feedback[1].abs().max() > 0.01
    for module in neck.rfp_modules:
        for a, b in zip(module.rfp_forward(outs[0], feedback), outs[1:], strict=True):
            assert torch.equal(a, b)
    assert_same(neck(outs), plain)


def test_pretrained_backbones_of_all_steps(tmp_path):
    source = DetectoRSResNet(**backbone_config(sac=None, conv_cfg=None))
    source.init_weights()
    path = tmp_path / 'plain.pth'
    torch.save(source.state_dict(), path)
    pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    backbone = DetectoRSResNet(**backbone_config(output_img=True, **pretrained))
    rfp = dict(backbone_config(rfp_inplanes=CHANNELS, **pretrained), type='mmvisx.DetectoRSResNet')
    neck = RecursiveFeaturePyramid(
        2, rfp, CHANNELS // 4, in_channels=STAGES, out_channels=CHANNELS, num_outs=5
    )
    backbone.init_weights()
    neck.init_weights()
    backbone.eval()
    neck.eval()
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        source.eval()
        expected = plain_fpn(neck)(source(x))
        for stages in (backbone(x)[1:], neck.rfp_modules[0](x)):
            for a, b in zip(stages, source(x), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        assert_same(neck(backbone(x)), expected)


def test_initialised_as_documented():
    _, neck = build()
    make_live(neck, scale=1.0)
    neck.init_weights()
    assert not neck.rfp_weight.weight.any()
    assert not neck.rfp_weight.bias.any()
    # Kaiming, fan out: variance 2 / (4 * 9).
    assert neck.rfp_aspp.aspp[1].weight.std().item() == pytest.approx((2 / 36) ** 0.5, rel=0.2)
    assert not neck.rfp_modules[0].layer2[0].rfp_conv.weight.any()
    assert neck.rfp_modules[0].layer2[0].conv2.switch.bias.tolist() == [1]


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (dict(rfp_steps=0), 'at least 1, got 0'),
        (dict(rfp_steps=2), 'rfp_backbone=None'),
        (dict(rfp_sharing=True, rfp_backbone=dict(type='x')), 'rfp_sharing=True'),
        (
            dict(rfp_sharing=True, aspp_dilations=(1, 3, 6)),
            r'last ASPP branch.*\(1, 3, 6\)',
        ),
    ],
)
def test_wrong_arguments(options, text):
    with pytest.raises(ValueError, match=text):
        RecursiveFeaturePyramid(in_channels=STAGES, out_channels=CHANNELS, num_outs=5, **options)


def test_backbone_without_the_image():
    backbone, neck = build()
    backbone.output_img = False
    with pytest.raises(ValueError, match='got 4 inputs: set output_img=True'):
        neck(backbone(torch.randn(1, 3, 64, 64)))


def test_sharing_needs_a_backbone_that_shares():
    _, neck = build(sharing=True)
    backbone, _ = build()
    with pytest.raises(ValueError, match='rfp_sharing=True in the backbone'):
        neck(backbone(torch.randn(1, 3, 64, 64)))


def test_non_finite_weight_is_an_error_that_names_the_layer():
    backbone, neck = build()
    with torch.no_grad():
        neck.rfp_modules[0].layer2[0].conv2.offset_l.weight[0] = math.nan
    with pytest.raises(
        NonFiniteOffsetError, match=r'^neck\.rfp_modules\.0\.layer2\.0\.conv2\.offset_l: '
    ):
        neck(backbone(torch.randn(1, 3, 64, 64)))
