"""The wide residual network of the few-shot benchmark."""

from __future__ import annotations

from typing import Any

import torch
from mmpretrain.models.backbones.resnet import BasicBlock
from mmpretrain.models.backbones.resnet_cifar import ResNet_CIFAR

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .base import ResNetMixin

__all__ = ['PostActivationWideResNet']


@MODELS.register_module()
class PostActivationWideResNet(ResNetMixin, ResNet_CIFAR):
    """Three stages of ``(depth - 4) / 6`` basic blocks, each of which halves the image.

    With ``depth=28, widen=10``: a 3x3 stem of 80 channels, and four blocks each of 160, 320 and 640
    channels; 36,579,280 parameters. Shortcuts where the size changes are 1x1 convolutions with
    batch norm.

    Args:
        depth: 10, 16, 22, 28 or 40.
        widen: Width by that of a ResNet for CIFAR, k of WRN-n-k.
        **kwargs: Of :class:`mmpretrain.models.ResNet_CIFAR`; ``out_indices`` has another default,
            and stages, channels and strides are given.

    Raises:
        UserError: an unknown depth, or ``widen`` below 1.

    Source: 001, 2.2.4.2, "WRN-28-10". Differs from the document and from Wide Residual Networks
    (Zagoruyko and Komodakis), as the authors' code does: blocks with the activation behind the
    convolution, a stem of 8 instead of 16 channels times the width (16 not widened there), stride
    2 in the first stage, too.
    """

    arch_settings = {n: (BasicBlock, ((n - 4) // 6,) * 3) for n in (10, 16, 22, 28, 40)}  # noqa: RUF012

    def __init__(self, depth: int = 28, widen: int = 10, **kwargs: Any) -> None:
        if depth not in self.arch_settings or widen < 1:
            raise UserError(
                f'depth={depth!r}, widen={widen!r}: depth must be one of '
                f'{sorted(self.arch_settings)}, widen at least 1'
            )
        kwargs = dict(out_indices=(2,)) | kwargs
        # mmpretrain reads numbers from a tensor, which the meta device does not have.
        device = torch.get_default_device()
        on_meta = device.type == 'meta'
        with torch.device('cpu' if on_meta else device):
            super().__init__(
                depth,
                stem_channels=8 * widen,
                base_channels=16 * widen,
                num_stages=3,
                strides=(2, 2, 2),
                dilations=(1, 1, 1),
                **kwargs,
            )
        if on_meta:
            self.to(device)
