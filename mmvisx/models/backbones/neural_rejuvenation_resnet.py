"""The ResNets for CIFAR with bottlenecks, ResNet-164 among them (001, Table 5-IV)."""

from __future__ import annotations

from typing import Any

from mmpretrain.models.backbones.resnet import Bottleneck, ResLayer
from mmpretrain.models.backbones.resnet_cifar import ResNet_CIFAR

from mmvisx.registry import MODELS

from .cifar_resnet import CifarResNet

__all__ = ['CifarBottleneckResNet']


@MODELS.register_module()
class CifarBottleneckResNet(CifarResNet):
    """ResNet-164 for images of 32x32, and shallower ones: three stages of bottlenecks.

    The stages have 16, 32 and 64 channels inside and four times as many outside; the shortcut
    of a stage's first block is a 1x1 convolution.

    Parameters of ResNet-164: with ``c`` = 16, 32, 64 channels inside and ``i`` = 16, 64, 128
    outside in front of the stage, its first block has i * c + 9c^2 + 4c^2 + i * 4c weights and
    each of the other 17 4c^2 + 9c^2 + 4c^2; the three stages have 78,592, 319,488 and
    1,277,952, the stem 432, and there are 16 + 18 * 6 * 112 + 4 * 112 = 12,560 norms. In all
    1,701,584, with a head 1,704,154 for 10 and 1,727,284 for 100 classes (1.70M and 1.73M of
    Table 5-IV).

    Args:
        depth: 11, 20, 29, 56, 110 or 164: 9 a block in each of the stages, and 2.
        **kwargs: Of :class:`CifarResNet`.

    Raises:
        UserError: an unknown depth.

    Source: 001, Table 5-IV and 5.4.4.2: "ResNet-164 with bottleneck blocks". Post-activation,
    as 5.4.3's assumption wants it: each convolution is directly followed by its norm.
    """

    arch_settings = {  # noqa: RUF012 - as in the class above
        depth: (Bottleneck, ((depth - 2) // 9,) * 3) for depth in (11, 20, 29, 56, 110, 164)
    }

    def make_res_layer(self, **kwargs: Any) -> ResLayer:
        """Build a stage as mmpretrain does, with a convolution in the shortcut."""
        return ResNet_CIFAR.make_res_layer(self, **kwargs)
