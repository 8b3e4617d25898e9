"""Build the same DetectoRS twice, from mmdet's parts and from ours, with the same weights."""

import copy

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.registry import DefaultScope
from torch import nn

from mmvisx.registry import MODELS

SAC_STAGES = (False, True, True, True)
LIVE = ('weight_diff', 'switch', 'context', 'offset', 'rfp_conv', 'rfp_weight')
RESNEXT = dict(groups=32, base_width=4)


class Detectors(nn.Module):
    """Backbone and neck, without the heads."""

    def __init__(self, backbone, neck):
        super().__init__()
        self.backbone = backbone
        self.neck = neck

    def forward(self, x):
        """Map images to the pyramid."""
        return self.neck(self.backbone(x))


def build(ours, resnext=None, deform=True, base_channels=64, steps=2, norm_eval=False, **options):
    """Build backbone and neck.

    Args:
        ours: From this package, else from mmdet.
        resnext: ``groups`` and ``base_width`` of a ResNeXt; ``None``: a ResNet.
        deform: ``use_deform`` of the SACs.
        base_channels: Channels of the first stage; the pyramid has four times as many.
        steps: Unrolled steps.
        norm_eval: Batch norm in evaluation mode while training.
        **options: More arguments of the backbones.
    """
    kind = 'ResNeXt' if resnext else 'ResNet'
    names = ('ConvAWS2d', 'SwitchableAtrousConv2d', f'DetectoRS{kind}', 'RecursiveFeaturePyramid')
    if ours:
        aws, sac, backbone, neck = (f'mmvisx.{name}' for name in names)
    else:
        aws, sac, backbone, neck = 'ConvAWS', 'SAC', f'DetectoRS_{kind}', 'RFP'
    config = dict(
        type=backbone,
        depth=50,
        base_channels=base_channels,
        stem_channels=base_channels,
        conv_cfg=dict(type=aws),
        sac=dict(type=sac, use_deform=deform),
        stage_with_sac=SAC_STAGES,
        norm_eval=norm_eval,
        **(resnext or {}),
        **options,
    )
    out = 4 * base_channels
    neck = dict(
        type=neck,
        rfp_steps=steps,
        rfp_backbone=dict(config, rfp_inplanes=out),
        aspp_out_channels=out // 4,
        in_channels=[4 * base_channels * 2**i for i in range(4)],
        out_channels=out,
        num_outs=5,
    )
    registry = MODELS if ours else MMDET_MODELS
    # Whatever scope an earlier test has left behind.
    with DefaultScope.overwrite_default_scope('mmdet'):
        return Detectors(registry.build(dict(config, output_img=True)), registry.build(neck))


def images(batch=2, height=96, width=128):
    """Return smooth random images of unit scale, ``(N, 3, H, W)``."""
    coarse = torch.randn(batch, 3, height // 8, width // 8)
    return F.interpolate(coarse, size=(height, width), mode='bilinear')


@torch.no_grad()
def set_natural_scale(model):
    """Draw the reference's weights as a trained model has them, with every path alive.

    Branches of a fifth of their shortcut's size, switches around 1, offsets of a
    fraction of a pixel, batch statistics that fit the features.
    """
    model.backbone.init_weights()
    model.neck.init_weights()
    for module in model.modules():
        if hasattr(module, 'norm3'):
            nn.init.constant_(module.norm3.weight, 0.2)
    # mmcv derives gamma and beta from the weights where a state dict has none.
    derived = ('weight_gamma', 'weight_beta')
    state = {k: v for k, v in model.state_dict().items() if not k.endswith(derived)}
    model.load_state_dict(state, strict=True)
    for name, parameter in model.named_parameters():
        if any(part in name for part in LIVE):
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
            # mmdet draws Kaiming weights here too: offsets of many pixels, switches of +-10.
            parameter.normal_(0, 0.1 / fan_in**0.5)
            if name.endswith('switch.bias'):
                parameter.add_(1)
    for name, buffer in model.named_buffers():
        if name.endswith('weight_gamma'):
            buffer.mul_(1 + 0.1 * torch.randn_like(buffer))
        elif name.endswith('weight_beta'):
            buffer.add_(0.1 * buffer.std() * torch.randn_like(buffer))
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(images())
    for norm in norms:
        norm.momentum = 0.1


def build_pair(double=False, **options):
    """Return mmdet's model and ours with mmdet's weights, loaded strictly."""
    reference, ours = build(False, **options), build(True, **options)
    set_natural_scale(reference)
    ours.load_state_dict(copy.deepcopy(reference.state_dict()), strict=True)
    return (reference.double(), ours.double()) if double else (reference, ours)


def relative_errors(values, expected):
    """Return ``||a - b|| / ||b||`` for each pair."""
    return [((a - b).norm() / b.norm()).item() for a, b in zip(values, expected, strict=True)]


def gradients(model, x, probes):
    """Return the gradient of every parameter that requires one, by name."""
    names, parameters = zip(
        *((n, p) for n, p in model.named_parameters() if p.requires_grad), strict=True
    )
    outs = model(x)
    found = torch.autograd.grad(
        sum((out * probe).sum() for out, probe in zip(outs, probes, strict=True)),
        parameters,
        allow_unused=True,
    )
    return dict(zip(names, found, strict=True))


def gradient_errors(reference, ours, x):
    """Compare the gradients of all shared parameters, relative to their size.

    Gradients that cancel to zero (of biases in front of batch norm) are measured
    against the typical size of a gradient. Both models must give every one.
    """
    with torch.no_grad():
        probes = [torch.randn_like(out) / out.numel() ** 0.5 for out in reference(x)]
    expected, found = gradients(reference, x, probes), gradients(ours, x, probes)
    assert expected.keys() == found.keys()
    assert not [name for name, value in expected.items() if value is None]
    assert not [name for name, value in found.items() if value is None]
    norms = torch.stack([value.norm() for value in expected.values()])
    floor = norms.median().item() * 1e-3
    return {
        name: ((found[name] - value).norm() / max(value.norm().item(), floor)).item()
        for name, value in expected.items()
    }
