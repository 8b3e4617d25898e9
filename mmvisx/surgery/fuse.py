"""Make a trained network faster for inference, with the same output."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch
from mmcv.cnn.bricks.wrappers import Conv2d as ConvOfMMCV
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mmvisx.models.layers import ConvAWS2d, SwitchableAtrousConv2d
from mmvisx.models.layers.detectors_sac_fused import FusedSwitchableAtrousConv2d, fuse_sac
from mmvisx.utils.errors import UserError

__all__ = ['Pairs', 'fuse_for_inference']

Module = TypeVar('Module', bound=nn.Module)
Pairs = Sequence[tuple[str, str]]  # names of a convolution and of the normalisation behind it

# Subclasses may do something else with their weights than to convolve.
_PLAIN = (nn.Conv2d, ConvOfMMCV)
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


@torch.no_grad()
def fuse_for_inference(model: Module, pairs: Pairs | None = None) -> Module:
    """Compute standardised weights once and fold batch normalisations, in place.

    Every :class:`ConvAWS2d` becomes a plain convolution, every
    :class:`SwitchableAtrousConv2d` one with ready weights, and the batch normalisation
    that follows a convolution goes into it.

    The names and numbers of parameters change: fuse after the weights are loaded, and do not
    train or save the result.

    Args:
        model: Any network, in eval mode.
        pairs: Which normalisation follows which convolution, see
            :class:`~mmvisx.surgery.fuse_watch.PairWatch`. None takes those that were
            registered one after the other in the same module: so it is in the networks of
            OpenMMLab and torchvision, and not in some others.

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
    following = dict(_registered_pairs(model) if pairs is None else pairs)
    for name, layer in list(model.named_modules()):
        if not isinstance(layer, nn.Conv2d):
            continue
        norm: Any = model.get_submodule(following[name]) if name in following else None
        if type(norm) not in _NORMS or norm.running_mean is None:
            norm = None
        fused = _replace(layer, norm)
        if fused is not layer:
            _set(model, name, fused)
            if norm is not None:
                _set(model, following[name], nn.Identity())
    return model


def _registered_pairs(model: nn.Module) -> list[tuple[str, str]]:
    found = []
    for prefix, module in model.named_modules():
        dot = f'{prefix}.' if prefix else ''
        children = list(module.named_children())
        for (name, child), (next_name, following) in pairwise(children):
            if isinstance(child, nn.Conv2d) and isinstance(following, _NORMS):
                found.append((dot + name, dot + next_name))
    return found


def _set(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition('.')
    setattr(model.get_submodule(parent), leaf, module)


def _replace(layer: nn.Conv2d, norm: _BatchNorm | None) -> nn.Module:
    """Return the layer for inference with ``norm`` in it; the same layer if there is none."""
    if isinstance(layer, FusedSwitchableAtrousConv2d):
        return layer
    if isinstance(layer, SwitchableAtrousConv2d):
        return fuse_sac(layer, norm)
    if isinstance(layer, ConvAWS2d):
        layer = _standardized(layer)
    # A hook may make the weight anew in every call, as torch's weight_norm does.
    if norm is None or type(layer) not in _PLAIN or layer._forward_pre_hooks:
        return layer
    return fuse_conv_bn_eval(layer, norm).requires_grad_(False)


def _standardized(layer: ConvAWS2d) -> nn.Conv2d:
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
