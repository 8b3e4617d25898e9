"""MobileNet of the first version, which MMPretrain does not have (000, 2.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

from .base import CheckedInit

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['MobileNetV1']


@MODELS.register_module()
class MobileNetV1(CheckedInit, BaseBackbone):
    """A 3x3 convolution and 13 depthwise separable ones, in five stages that halve the image.

    Args:
        widen_factor: Width multiplier of all channels, above 0; the published ones are
            0.25, 0.5, 0.75 and 1.
        in_channels: Channels of the image.
        out_indices: Stages to return, from 0 (stride 2) to 4 (stride 32).
        frozen_stages: How many stages are not trained, from 0 to 5.
        norm_eval: Keep the statistics of the norms as they are.
        norm_cfg: Config of the norms.
        act_cfg: Config of the activations.
        init_cfg: Config of the initialisation.

    Raises:
        UserError: A width multiplier that is not positive, an unknown stage.

    Source: 000, 2.2.2 and Tables 2.2, 2.3 and 2.6; the layers are those of Table 1 of its
    reference [51]. With a linear layer for 1,000 classes 4,231,976 parameters and, at
    224x224, 569 million multiply-adds.
    """

    # Output channels and stride of the separable convolutions of each stage.
    stages: ClassVar[tuple[tuple[tuple[int, int], ...], ...]] = (
        ((64, 1),),
        ((128, 2), (128, 1)),
        ((256, 2), (256, 1)),
        ((512, 2), *5 * ((512, 1),)),
        ((1024, 2), (1024, 1)),
    )

    def __init__(
        self,
        widen_factor: float = 1.0,
        in_channels: int = 3,
        out_indices: Sequence[int] = (4,),
        frozen_stages: int = 0,
        norm_eval: bool = False,
        norm_cfg: ConfigDict | None = None,
        act_cfg: ConfigDict | None = None,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        if not widen_factor > 0:
            raise UserError(f'widen_factor={widen_factor} is not above 0')
        unknown = [index for index in out_indices if index not in range(len(self.stages))]
        if unknown:
            raise UserError(f'out_indices={tuple(out_indices)}: stages go from 0 to 4')
        if frozen_stages not in range(len(self.stages) + 1):
            raise UserError(f'frozen_stages={frozen_stages} is not from 0 to 5')
        if init_cfg is None:
            init_cfg = [
                dict(type='Kaiming', layer='Conv2d'),
                dict(type='Constant', layer=['_BatchNorm', 'GroupNorm'], val=1),
            ]
        super().__init__(init_cfg)
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        options = dict(norm_cfg=norm_cfg or dict(type='BN'), act_cfg=act_cfg or dict(type='ReLU'))

        def width(channels: int) -> int:
            return max(1, round(channels * widen_factor))

        channels = width(32)
        # In a Sequential, as the others: a ConvModule that is a direct child of a module
        # draws its own weights over those of init_cfg.
        layers: list[nn.Module] = [
            ConvModule(in_channels, channels, 3, stride=2, padding=1, **options)
        ]
        for index, stage in enumerate(self.stages):
            for planes, stride in stage:
                layers.append(
                    DepthwiseSeparableConvModule(
                        channels, width(planes), 3, stride=stride, padding=1, **options
                    )
                )
                channels = width(planes)
            self.add_module(f'layer{index + 1}', nn.Sequential(*layers))
            layers = []
        self._freeze()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the maps of ``out_indices``."""
        outs = []
        for index in range(len(self.stages)):
            x = getattr(self, f'layer{index + 1}')(x)
            if index in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def _freeze(self) -> None:
        for index in range(self.frozen_stages):
            stage = getattr(self, f'layer{index + 1}')
            stage.eval()
            stage.requires_grad_(False)

    def train(self, mode: bool = True) -> MobileNetV1:
        """Set the mode of all that is not frozen."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self
