"""MobileNet of the first version, which MMPretrain does not have (000, 2.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

from .base import HE, Backbone, Parts

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['MobileNetV1']


@MODELS.register_module()
class MobileNetV1(Backbone):
    """A 3x3 convolution and 13 depthwise separable ones, in five stages that halve the image.

    Args:
        widen_factor: Width multiplier of all channels, above 0; the published ones are
            0.25, 0.5, 0.75 and 1.
        in_channels: Channels of the image.
        out_indices: Stages to return, from 0 (stride 2) to 4 (stride 32), or negative numbers
            from the end. Their maps come in the order of the stages.
        frozen_stages: -1: nothing; 0: the first convolution does not learn; ``n``: nor do ``n``
            stages.
        norm_eval: Keep batch norm in evaluation mode in training.
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
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: ConfigDict | None = None,
        act_cfg: ConfigDict | None = None,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        if not widen_factor > 0:
            raise UserError(f'widen_factor={widen_factor} is not above 0')
        init_cfg = HE if init_cfg is None else init_cfg
        super().__init__(len(self.stages), out_indices, frozen_stages, norm_eval, init_cfg)
        self.out_indices = tuple(sorted(self.out_indices))  # as they come
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
        self.finish([width(stage[-1][0]) for stage in self.stages])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the maps of ``out_indices``."""
        outs = []
        for index in range(len(self.stages)):
            x = getattr(self, f'layer{index + 1}')(x)
            if index in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def stem_and_stages(self) -> Parts:
        """The first convolution, and each stage; it belongs to the first."""
        stages = [getattr(self, f'layer{index + 1}') for index in range(len(self.stages))]
        return [[stages[0][0]], *([stage] for stage in stages)]
