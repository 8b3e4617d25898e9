"""Make a trained network faster for inference, with the same output."""

from __future__ import annotations

from typing import TypeVar

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.models.layers import ConvAWS2d, SwitchableAtrousConv2d
from mmvisx.models.layers.detectors_sac_fused import FusedSwitchableAtrousConv2d, fuse_sac
from mmvisx.utils.errors import UserError

__all__ = ['fuse_for_inference']

Module = TypeVar('Module', bound=nn.Module)


@torch.no_grad()
def fuse_for_inference(model: Module) -> Module:
    """Compute standardised weights once and fold batch normalisations, in place.

    Every :class:`ConvAWS2d` becomes a plain convolution, every
    :class:`SwitchableAtrousConv2d` one with ready weights, and the batch normalisation
    that follows a convolution goes into it. As in mmcv's ``fuse_conv_bn``, what follows is
    what was registered next in the same module: so it is in the networks of OpenMMLab and
    torchvision.

    The names and numbers of parameters change: fuse after the weights are loaded, and do not
    train or save the result.

    Args:
        model: Any network, in eval mode.

    Returns:
        The model, or its replacement if it is itself such a convolution.

    Raises:
        UserError: the model is in training mode.
    """
    if model.training:
        raise UserError(
            f'fuse_for_inference({type(model).__name__}): the model is in training mode, in which '
            'batch normalisation depends on the batch; call model.eval() first'
        )
    if isinstance(model, ConvAWS2d):
        return _replace(model, None)  # type: ignore[return-value]
    _fuse_standardized(model)
    return fuse_conv_bn(model)


def _fuse_standardized(module: nn.Module) -> None:
    """Replace the convolutions below ``module`` that standardise their weights."""
    children = list(module.named_children())
    for index, (name, child) in enumerate(children):
        if not isinstance(child, ConvAWS2d):
            _fuse_standardized(child)
            continue
        norm = None
        if isinstance(child, SwitchableAtrousConv2d) and index + 1 < len(children):
            next_name, following = children[index + 1]
            if isinstance(following, _BatchNorm):
                norm = following
                setattr(module, next_name, nn.Identity())
        setattr(module, name, _replace(child, norm))


def _replace(layer: ConvAWS2d, norm: _BatchNorm | None) -> nn.Module:
    if isinstance(layer, FusedSwitchableAtrousConv2d):
        return layer
    if isinstance(layer, SwitchableAtrousConv2d):
        return fuse_sac(layer, norm)
    plain = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
        layer.bias is not None,
        layer.padding_mode,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
    )
    plain.weight.copy_(layer.standardized_weight())
    if layer.bias is not None:
        plain.bias.copy_(layer.bias)  # type: ignore[union-attr]
    return plain.eval().requires_grad_(False)
