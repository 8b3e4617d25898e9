"""The ResNets for CIFAR with shortcuts that have no parameters."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.backbones.resnet import BasicBlock, ResLayer
from mmpretrain.models.backbones.resnet_cifar import ResNet_CIFAR
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .base import ResNetMixin

__all__ = ['CifarResNet', 'PaddedShortcut']

ARCHITECTURES = {depth: (BasicBlock, ((depth - 2) // 6,) * 3) for depth in (20, 32, 44, 56, 110)}


class PaddedShortcut(nn.Module):
    """Take every ``stride``-th pixel and fill up with channels of zeros on both sides.

    Args:
        added: Channels to add, an even number; half go before the input's, half behind.
        stride: Step in pixels.
    """

    def __init__(self, added: int, stride: int) -> None:
        super().__init__()
        self.added = added
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C + added, ceil(H / stride), ceil(W / stride))``."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.added // 2, self.added // 2))


@MODELS.register_module()
class CifarResNet(ResNetMixin, ResNet_CIFAR):
    """ResNet-20, -32, -44, -56 and -110 for images of 32x32.

    Three stages of 16, 32 and 64 channels and shortcuts "of option A", which subsample and pad
    (:class:`PaddedShortcut`). mmpretrain's ``ResNet_CIFAR`` has the stem, but only ImageNet's
    four stages and shortcuts with a convolution.

    The published checkpoints of this network (keys ``module.conv1.weight``, ...,
    ``module.linear.weight``) load as they are into a classifier with this backbone, a
    ``GlobalAveragePooling`` neck and a ``LinearClsHead``.

    Args:
        depth: 20, 32, 44, 56 or 110.
        **kwargs: Of :class:`mmpretrain.models.ResNet`; ``base_channels``, ``stem_channels``
            and ``out_indices`` have other defaults, ``num_stages`` is 3.

    Raises:
        UserError: an unknown depth.

    Source: not in 000, whose teacher is a ResNet-152-D: the small trainings on CIFAR-10 are
    taught by a ResNet-20 of this kind.
    """

    arch_settings = ARCHITECTURES

    def __init__(self, depth: int = 20, **kwargs: Any) -> None:
        if depth not in self.arch_settings:
            raise UserError(f'depth={depth!r} is not one of {sorted(self.arch_settings)}')
        kwargs = dict(base_channels=16, stem_channels=16, out_indices=(2,)) | kwargs
        # mmpretrain reads numbers from a tensor, which the meta device does not have.
        device = torch.get_default_device()
        on_meta = device.type == 'meta'
        with torch.device('cpu' if on_meta else device):
            super().__init__(depth, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), **kwargs)
        if on_meta:
            self.to(device)

    def make_res_layer(self, **kwargs: Any) -> ResLayer:
        """Build a stage, with the shortcut in the place of mmpretrain's convolution."""
        layer = super().make_res_layer(**kwargs)
        added = kwargs['out_channels'] - kwargs['in_channels']
        if layer[0].downsample is not None:
            layer[0].downsample = PaddedShortcut(added, kwargs['stride'])
        return layer

    def _checkpoint_filter(self, state_dict: dict[str, Tensor], prefix: str, *_: Any) -> None:
        """Rename the published checkpoints' keys in place; called by mmpretrain's classifiers."""
        if not any(key.endswith('linear.weight') for key in state_dict):
            return
        for key in list(state_dict):
            name = key.removeprefix(prefix).removeprefix('module.')
            owner = 'head.fc.' if name.startswith('linear.') else 'backbone.'
            state_dict[prefix + owner + name.removeprefix('linear.')] = state_dict.pop(key)
